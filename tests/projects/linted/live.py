"""Connections, processes and sockets."""

import re
import smtplib
import socket
import sqlite3
import subprocess
import threading
from email.message import EmailMessage

import psycopg

import autokitteh


def runs_a_command(event):
    done = subprocess.run(["echo", "x"], capture_output=True, text=True, check=True)
    return done.stdout.strip(), subprocess.check_output(["echo", "y"]).decode()


def starts_a_process(event):
    process = subprocess.Popen(["true"])  # lint: unkeepable-result
    return process.wait()


def queries_sqlite(event):
    db = sqlite3.connect(":memory:")  # lint: unkeepable-result
    db.execute("create table t (n)")
    return db.execute("select count(*) from t").fetchone()


@autokitteh.activity
def count(path):
    with sqlite3.connect(path) as db:
        return db.execute("select 1").fetchone()[0]


def queries_in_a_step(event):
    return count(":memory:")


def sends_mail(event):
    message = EmailMessage()
    message["Subject"] = "x"
    message.set_content("y")
    with smtplib.SMTP("127.0.0.1", event.data["smtp"]) as server:  # lint: unkeepable-result
        server.send_message(message)


@autokitteh.activity(retries=1)
def send(port, text):
    with smtplib.SMTP("127.0.0.1", port) as server:
        return server.noop()[0] and len(text)


def sends_mail_in_a_step(event):
    return send(event.data["smtp"], "hello")


def connects(event):
    connection = socket.create_connection(("127.0.0.1", event.data["smtp"]))  # lint: unkeepable-result
    connection.close()


def queries_postgres(event):
    with psycopg.connect("host=127.0.0.1 port=1") as connection:  # lint: unkeepable-result
        return connection.execute("select 1").fetchone()


@autokitteh.activity
def lines_of(path):
    with open(path) as file:
        yield from file


def reads_lines(event):
    return list(lines_of("settings.json"))


@autokitteh.activity
def opened(path):
    return open(path)


def passes_a_file(event):
    return opened("settings.json").read()


@autokitteh.activity
def numbers():
    return (number for number in range(3))


def sums_numbers(event):
    return sum(numbers())


@autokitteh.activity
def opened_for_bytes(path):
    return open(path, "rb")  # lint: unkeepable-result


def passes_an_open_file(event):
    return opened_for_bytes("settings.json").read()


@autokitteh.activity
def found(text):
    return re.match("x", text)  # lint: unkeepable-result


def passes_a_match(event):
    return found("x").group()


@autokitteh.activity
def locked():
    return threading.Lock()  # lint: unkeepable-result


def passes_a_lock(event):
    return locked().acquire()


@autokitteh.activity
def doubling():
    return lambda number: number * 2  # lint: unkeepable-result


def passes_a_function(event):
    return doubling()(2)
