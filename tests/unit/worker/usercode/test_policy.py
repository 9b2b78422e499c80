"""Which calls become activities: the tables, and the laws they keep."""

from __future__ import annotations

import asyncio
import collections
import datetime as dt
import email.message
import functools
import gzip
import http.client
import inspect
import io
import json
import logging
import operator
import os
import random
import re
import secrets
import shutil
import signal
import smtplib
import socket
import sqlite3
import statistics
import subprocess
import sys
import threading
import time
import types
import urllib.parse
import urllib.request
import uuid
import warnings
import xmlrpc.client
import zipfile
from pathlib import Path

import httpx
import pytest
import requests
import rich
import sqlalchemy
import yaml

import autokitteh
from worker.errors import CallError
from worker.session import standins
from worker.usercode import substitutes
from worker.usercode.guard import Guard
from worker.usercode.policy import Policy, activity_name, rule_for
from worker.usercode.state import reachable_state

POLICY = Policy(Path("/nowhere/project"))
SESSION = requests.Session()
TABLE = [
    ("activity", requests.get, "requests.get"),
    ("activity", SESSION.get, "requests.Session.get"),
    ("inline", requests.Session, "requests.Session"),
    ("activity", httpx.get, "httpx.get"),
    ("activity", os.listdir, "os.listdir"),
    ("activity", os.path.exists, "os.path.exists"),
    ("inline", os.path.join, "os.path.join"),
    ("inline", os.getenv, "os.getenv"),
    ("inline", os.environ.get, "os._Environ.get"),
    ("activity", Path("x").read_text, "pathlib.PosixPath.read_text"),
    ("inline", Path("x").joinpath, "pathlib.PosixPath.joinpath"),
    ("activity", subprocess.run, "subprocess.run"),
    ("activity", sqlite3.connect, "sqlite3.connect"),
    ("inline", json.dumps, "json.dumps"),
    ("inline", re.compile("a").match, "re.Pattern.match"),
    ("inline", [].append, "builtins.list.append"),
    ("inline", "a".upper, "builtins.str.upper"),
    ("inline", sorted, "builtins.sorted"),
    ("inline", collections.Counter, "collections.Counter"),
    ("inline", io.StringIO().write, "io.StringIO.write"),
    ("inline", logging.getLogger("x").info, "logging.Logger.info"),
    ("substitute", threading.Lock, f"threading.{threading.Lock.__name__}"),
    ("inline", dt.datetime(2026, 1, 1).isoformat, "datetime.datetime.isoformat"),
    ("inline", random.Random(3).random, "random.Random.random"),
    ("inline", functools.partial(json.dumps), "json.dumps"),
    ("activity", functools.partial(requests.get), "requests.get"),
    ("inline", requests.Response().json, "requests.Response.json"),
    ("inline", autokitteh.activity, "autokitteh.activity"),
    ("substitute", time.sleep, "time.sleep"),
    ("substitute", time.time, "time.time"),
    ("substitute", dt.datetime.now, "datetime.datetime.now"),
    ("substitute", dt.date.today, "datetime.date.today"),
    ("substitute", random.random, "random.Random.random"),
    ("substitute", uuid.uuid4, "uuid.uuid4"),
    ("substitute", secrets.token_hex, "secrets.token_hex"),
    ("substitute", os.urandom, "os.urandom"),
    ("substitute", print, "builtins.print"),
    ("local", open, "io.open"),
    ("local", gzip.open, "gzip.open"),
    ("local", zipfile.ZipFile, "zipfile.ZipFile"),
    ("local", Path("x").open, "pathlib.PosixPath.open"),
    ("substitute", threading.Event().wait, "threading.Event.wait"),
    ("inline", threading.Lock().acquire, "threading.lock.acquire"),
    ("inline", http.client.HTTPConnection, "http.client.HTTPConnection"),
    ("local", http.client.HTTPConnection("x").request, "http.client.HTTPConnection.request"),
    ("activity", smtplib.SMTP, "smtplib.SMTP"),
    ("activity", urllib.request.urlopen, "urllib.request.urlopen"),
    ("inline", urllib.request.Request, "urllib.request.Request"),
    ("inline", urllib.parse.quote, "urllib.parse.quote"),
    ("activity", os.getpid, "os.getpid"),
    ("activity", shutil.copy, "shutil.copy"),
    ("inline", Path("x").resolve, "pathlib.PosixPath.resolve"),
    ("inline", Path.cwd, "pathlib.Path.cwd"),
    ("inline", Path("/x").as_uri, "pathlib.PosixPath.as_uri"),
    ("inline", warnings.simplefilter, "warnings.simplefilter"),
    ("inline", inspect.get_annotations, f"{inspect.get_annotations.__module__}.get_annotations"),
    ("activity", statistics.NormalDist().samples, "statistics.NormalDist.samples"),
    ("inline", statistics.mean, "statistics.mean"),
    ("inline", Path("x").with_suffix, "pathlib.PosixPath.with_suffix"),
    ("activity", Path("x").exists, "pathlib.PosixPath.exists"),
    ("inline", yaml.safe_load, "yaml.safe_load"),
    ("inline", sqlalchemy.create_engine, "sqlalchemy.create_engine"),
    ("inline", sqlalchemy.select().where, "sqlalchemy.Select.where"),
    ("activity", sqlalchemy.create_engine("sqlite://").connect, "sqlalchemy.Engine.connect"),
    ("activity", rich.print, "rich.print"),
    ("activity", xmlrpc.client.ServerProxy("http://x").call, "xmlrpc.client._Method.__call__"),
    ("inline", SESSION.headers.update, "requests.CaseInsensitiveDict.update"),
    ("activity", email.message.EmailMessage().as_string, "email.message.EmailMessage.as_string"),
    ("inline", {}.get, "builtins.dict.get"),
    ("inline", "a".__add__, "builtins.str.__add__"),
    ("inline", str.upper, "builtins.str.upper"),
    ("inline", dict.fromkeys, "builtins.dict.fromkeys"),
    ("inline", operator.itemgetter("a"), "operator.itemgetter.__call__"),
    ("inline", super, "builtins.super"),
    ("inline", sys.exit, "sys.exit"),
    ("inline", autokitteh.AttrDict().get, "autokitteh.AttrDict.get"),
    ("refuse", os._exit, "os._exit"),
    ("refuse", os.fork, "os.fork"),
    ("refuse", signal.alarm, "signal.alarm"),
    ("substitute", asyncio.run, "asyncio.runners.run"),
    ("local", socket.socket.send, "socket.socket.send"),
    ("substitute", threading.Thread(target=print).start, "threading.Thread.start"),
]


@pytest.mark.parametrize(("kind", "callee", "name"), TABLE, ids=[f"{row[0]}-{row[2]}" for row in TABLE])
def test_policy_decides(kind, callee, name):
    """Each callable is treated as documented, and named so that a person knows it."""
    if callee is socket.socket.send:
        with socket.socket() as live:
            assert POLICY.decide(live.send).kind == kind
        return
    assert (POLICY.decide(callee).kind, activity_name(callee)) == (kind, name)
    assert POLICY.decide(callee) == POLICY.decide(callee)


def test_marks_come_first():
    """@activity makes an activity of anything, also of what would run inline."""

    @autokitteh.activity(retries=2)
    def marked():
        pass

    decision = POLICY.decide(marked)
    assert (decision.kind, decision.mark.retries) == ("activity", 2)


def test_own_code_is_decided_by_where_it_stands(tmp_path):
    """A function of a project's file is the user's, whatever its module claims; a library's wrapper is not."""
    file = tmp_path / "main.py"
    scope: dict = {"__name__": "requests"}
    exec(compile("def f(): pass\nclass C:\n    def m(self): pass\n", str(file), "exec"), scope)
    policy = Policy(tmp_path)
    assert policy.decide(scope["f"]).reason == policy.decide(scope["C"]().m).reason == "the user's own code"
    wrapper = types.FunctionType(requests.get.__code__, vars(requests.api))  # a copy: ``wraps`` changes it
    assert policy.decide(functools.wraps(scope["f"])(wrapper)).kind == "activity"


def test_every_substitute_has_a_stand_in():
    """What the table names, the session implements."""
    missing = {name for name in substitutes.names() if not name.startswith("builtins.")} - standins.names()
    assert missing == set()


def test_decisions_are_the_same_in_another_process():
    """A decision depends on nothing that a process remembers."""
    code = (
        "import requests, json, time\nfrom pathlib import Path\nfrom worker.usercode.policy import Policy\n"
        "p = Policy(Path('/nowhere/project'))\n"
        "print([p.decide(f).kind for f in (requests.get, json.dumps, time.sleep, requests.Session().get)])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[4],
    )
    here = [POLICY.decide(f).kind for f in (requests.get, json.dumps, time.sleep, requests.Session().get)]
    assert eval(done.stdout) == here


def test_guard_stops_network_of_user_code(tmp_path):
    """A connection made by the user's line on the watched thread is an error that names it."""
    scope: dict = {}
    code = (
        "import socket\ndef connect():\n    with socket.socket() as s:\n        s.connect(('127.0.0.1', 9))\n"
    )
    exec(compile(code, str(tmp_path / "main.py"), "exec"), scope)
    guard = Guard(tmp_path)
    guard.arm()
    try:
        with pytest.raises(CallError) as refused:
            scope["connect"]()
    finally:
        guard.disarm()
    assert refused.value.where == "main.py:4"
    assert "@autokitteh.activity" in refused.value.hint
    with pytest.raises(OSError):
        scope["connect"]()


def test_guard_reports_files_outside_the_project_once(tmp_path):
    """Reading the project is fine; anything else is told once per place."""
    project = tmp_path / "project"
    project.mkdir()
    (project / "a.txt").write_text("a")
    (tmp_path / "b.txt").write_text("b")
    told: list = []
    scope: dict = {}
    exec(
        compile(
            "def read(path):\n    with open(path) as f:\n        return f.read()\n",
            str(project / "main.py"),
            "exec",
        ),
        scope,
    )
    guard = Guard(project, lambda text, where: told.append((text.split(" outside")[0], where)))
    guard.arm()
    try:
        assert [
            scope["read"](str(p)) for p in (project / "a.txt", tmp_path / "b.txt", tmp_path / "b.txt")
        ] == ["a", "b", "b"]
    finally:
        guard.disarm()
    assert told == [(f"reads {tmp_path / 'b.txt'}", "main.py:2")]


def test_reachable_state_is_what_a_function_can_see():
    """Data of the module that the function or its helpers mention; no functions, modules or strangers."""
    scope: dict = {"__name__": "main"}
    exec(
        "import json\nCOUNT = 0\nITEMS = []\nOTHER = {}\n"
        "def helper():\n    ITEMS.append(1)\n"
        "def step():\n    global COUNT\n    COUNT += 1\n    helper()\n    return json.dumps(ITEMS)\n",
        scope,
    )
    assert sorted(reachable_state(scope["step"], lambda name: name == "main")) == ["main:COUNT", "main:ITEMS"]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("boto3.session.Session.client", "inline"),
        ("boto3.session.Session.resource", "inline"),
        (
            "boto3.resources.factory.ResourceFactory._create_class_partial.<locals>.create_resource",
            "inline",
        ),
        ("botocore.client.BaseClient.get_paginator.<locals>.paginate", "inline"),
        ("boto3.resources.collection.CollectionManager.all", "inline"),
        (
            "boto3.resources.collection.CollectionFactory._create_batch_action.<locals>.batch_action",
            "activity",
        ),
        ("botocore.waiter.Waiter.wait", "activity"),
        ("botocore.signers.generate_presigned_url", "activity"),
        ("redis.utils.from_url", "inline"),
        ("redis.asyncio.client.Redis.from_url", "inline"),
        ("boto3.resources.factory.ResourceFactory._create_action.<locals>.do_action", "activity"),
        ("botocore.client.ClientCreator._create_api_method.<locals>._api_call", "activity"),
        ("redis.commands.core.BasicKeyCommands.get", "activity"),
    ],
)
def test_what_makes_a_client_of_a_library_runs_where_it_stands(name, kind):
    """It reaches nobody yet, and a client that a step had made could not be kept; its calls are steps."""
    found = rule_for(name)
    assert (found.kind if found is not None else "activity") == kind
