"""Handlers that schedules start."""

import time

from autokitteh import next_event, subscribe


def on_tick(event):
    print(event.event_type, dict(event.data))


def takes_three_seconds(event):
    time.sleep(3)


def never_ends(event):
    try:
        time.sleep(3600)
    finally:
        print("the next one has come")


def subscribes(event):
    sub = subscribe("feeds")
    return [next_event(sub).event_type, next_event(sub).event_type]
