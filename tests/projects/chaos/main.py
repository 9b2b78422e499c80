"""Twenty steps: a line, a call that prints as well, a nap."""

import random
import time

import autokitteh


@autokitteh.activity
def step(session, number):
    print(f"inside {number}")
    return number * 2


def on_event(event):
    total = 0
    for number in range(20):
        total += step(event.session_id, number)
        print(f"step {number} total {total}")
        time.sleep(random.random() * 0.4)
    return total
