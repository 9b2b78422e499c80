import sqlite3
import subprocess

import autokitteh


def connects(event):
    db = sqlite3.connect("data.db")  # lint: unkeepable-result
    return db.execute("select 1").fetchone()


def spawns(event):
    process = subprocess.Popen(["true"])  # lint: unkeepable-result
    return process.wait()


@autokitteh.activity
def gives_a_function():
    return lambda: 1  # lint: unkeepable-result


@autokitteh.activity
def gives_a_file():
    return open("notes.txt", "rb")  # lint: unkeepable-result


@autokitteh.activity
def counts():
    with sqlite3.connect("data.db") as db:
        return db.execute("select 1").fetchone()


def on_event(event):
    gives_a_function()
    gives_a_file()
    return counts()
