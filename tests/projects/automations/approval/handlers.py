"""Vacation: somebody asks, the manager is asked on Slack, HR is told."""

import os
from datetime import timedelta

import requests
from autokitteh import next_event, subscribe, unsubscribe
from autokitteh.slack import slack_client

slack = slack_client("my_slack", base_url=os.getenv("SLACK_URL"))
HR_URL = os.environ["HR_URL"]
session = requests.Session()


class Request:
    def __init__(self, data):
        self.employee = data.employee
        self.days = int(data.get("days", 1))

    @property
    def text(self):
        return f"{self.employee} asks for {self.days} day{'s' if self.days != 1 else ''} off"


def on_request(event):
    request = Request(event.data.body.json)
    manager = session.get(f"{HR_URL}/employees/{request.employee}", timeout=10).json()["manager"]
    sub = subscribe("clicks", f"data.body.form.employee == '{request.employee}'")
    message = slack.chat_postMessage(channel=os.getenv("CHANNEL"), text=f"<@{manager}>: {request.text}")
    print("asked", manager)
    answer = next_event(sub, timeout=timedelta(minutes=5))
    unsubscribe(sub)
    if answer is None:
        return notify("no answer", message)
    verdict = answer.body.form.verdict
    response = session.post(f"{HR_URL}/vacations", json={"employee": request.employee, "verdict": verdict})
    response.raise_for_status()
    return notify(verdict, message)


def notify(verdict, message):
    slack.chat_update(channel=message["channel"], ts=message["ts"], text=f"Verdict: {verdict}")
    print("verdict", verdict)
    return {"verdict": verdict}
