"""Findings in small programs: each stands in a comment on its line, and nothing else is found."""

from __future__ import annotations

import concurrent.futures
import csv
import queue
import re
import socket
import sqlite3
import threading
from pathlib import Path

import pytest

import autokitteh
from tests.helpers.codecs import codec
from worker.lint import hazards, marked
from worker.lint.calls import Judge
from worker.lint.code import Code
from worker.lint.reader import Reader
from worker.lint.values import Instance
from worker.payload.errors import UnpicklableError
from worker.usercode.policy import Policy

ROOT = Path(__file__).parents[4]
CORPUS = ROOT / "tests" / "projects" / "lint"


@pytest.fixture(scope="module")
def found():
    """The findings in the corpus, by file."""
    reader = Reader(Code(CORPUS), Judge(Policy(CORPUS)), autokitteh.Event)
    by_file: dict[str, list[hazards.Hazard]] = {}
    for item in hazards.find(reader):
        by_file.setdefault(item.file, []).append(item)
    return by_file


@pytest.mark.parametrize("file", sorted(path.name for path in CORPUS.glob("*.py")))
def test_a_program_has_the_findings_it_says(found, file):
    """Every expected finding is there, on its line, and no other."""
    expected = [
        (number, match.group(1))
        for number, line in enumerate((CORPUS / file).read_text().splitlines(), 1)
        if (match := re.search(r"# lint: ([\w-]+)", line))
    ]
    assert [(item.line, item.code) for item in found.get(file, [])] == expected


def test_every_finding_says_what_to_do(found):
    """A finding has a message and a remedy, in one line each."""
    for item in (item for items in found.values() for item in items):
        assert item.message
        assert item.remedy
        assert "\n" not in item.message + item.remedy


@pytest.mark.parametrize("example", sorted(path.name for path in (ROOT / "examples").iterdir()))
def test_the_examples_raise_no_alarm(example):
    """Our own examples are clean."""
    directory = ROOT / "examples" / example
    reader = Reader(Code(directory), Judge(Policy(directory)), autokitteh.Event)
    assert hazards.find(reader) == []


def test_programs_that_are_run_have_the_findings_they_say():
    """The corpus that is compared with histories has its findings in comments, too, and no others."""
    directory = ROOT / "tests" / "projects" / "linted"
    reader = Reader(Code(directory), Judge(Policy(directory)), autokitteh.Event)
    expected = sorted(
        (path.name, number, match.group(1))
        for path in directory.glob("*.py")
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if (match := re.search(r"# lint: ([\w-]+)", line))
    )
    assert [(item.file, item.line, item.code) for item in hazards.find(reader)] == expected


LIVE_THINGS = {
    "a lock": threading.Lock,
    "a reentrant lock": threading.RLock,
    "an event": threading.Event,
    "a queue": queue.Queue,
    "a thread": threading.Thread,
    "a pool": lambda: concurrent.futures.ThreadPoolExecutor(1),
    "a match": lambda: re.match("x", "x"),
    "a reader": lambda: csv.reader(["x"]),
    "a database": lambda: sqlite3.connect(":memory:"),
    "a socket": socket.socket,
}


@pytest.mark.parametrize("name", LIVE_THINGS)
def test_what_cannot_be_kept_is_what_the_codec_refuses(name):
    """Each kind of object that lint warns of cannot be sent."""
    thing = LIVE_THINGS[name]()
    assert marked.is_live(Instance(type(thing)))
    with pytest.raises(UnpicklableError):
        codec().encode(thing)
    if isinstance(thing, socket.socket | sqlite3.Connection):
        thing.close()


def test_what_is_refused_is_said_once(read):
    """That its `with` would not be recorded does not matter any more."""
    found = read(
        main="""
        import tempfile

        def on_event(event):
            with tempfile.NamedTemporaryFile() as file:
                return file.name
        """
    )
    assert [item["code"] for item in found["hazards"]] == ["refused"]
