"""Call sites that a deployment points at."""

from __future__ import annotations

from worker.usercode.hints import hints

SOURCE = """
import sqlite3, subprocess as sp
import autokitteh
from autokitteh import activity as act
from smtplib import SMTP
from socket import socket as make

MODULE_LEVEL = sqlite3.connect(":memory:")

def on_event(event):
    with sqlite3.connect("a.db") as db:
        db.execute("select 1")
    sp.Popen(["ls"])
    sp.run(["ls"])
    SMTP("localhost")

@autokitteh.activity
def marked():
    sqlite3.connect("a.db")

@act(retries=3)
async def marked_too():
    make()

class Job:
    async def run(self):
        make()
        self.socket.socket()

@autokitteh.activity
class Whole:
    def __init__(self):
        make()
"""


def test_objects_of_one_process_are_found_outside_activities():
    """Whatever they are imported as."""
    assert hints(SOURCE, "jobs/main.py") == [
        ("jobs/main.py:11", "sqlite3.connect"),
        ("jobs/main.py:13", "subprocess.Popen"),
        ("jobs/main.py:15", "smtplib.SMTP"),
        ("jobs/main.py:27", "socket.socket"),
    ]


def test_what_does_not_parse_has_no_hints():
    """Another check says so."""
    assert hints("def (", "main.py") == []


def test_clients_that_connect_when_they_are_used_are_left_alone():
    """Their calls are made on the object itself, and a replay makes it anew."""
    assert hints("import redis\n\ndef on_event(event):\n    redis.Redis().get('a')\n", "main.py") == []
