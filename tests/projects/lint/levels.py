import os
from pathlib import Path

import autokitteh
import requests

TOKEN = os.getenv("TOKEN")
TEXT = Path(__file__).with_name("levels.py")
session = requests.Session()
config = requests.get("http://localhost/config").json()  # lint: module-level-io
autokitteh.set_value("started", 1)  # lint: module-level-step

with open("template.txt") as file:
    TEMPLATE = file.read()


def on_event(event):
    return session.get("http://localhost/")


if __name__ == "__main__":
    requests.get("http://localhost/")
