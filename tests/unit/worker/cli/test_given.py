"""What is given to a command."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from worker.cli import given
from worker.cli.event import read_file
from worker.cli.session import parse_data


@pytest.fixture
def stdin(monkeypatch) -> None:
    """Somebody pipes JSON into the command."""
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b'{"n": 3}')))


def test_standard_input_is_a_file(stdin):
    """Under the name that other programs use for it."""
    assert given.content(Path("-")) == b'{"n": 3}'


def test_data_from_standard_input(stdin):
    """After ``@``, as any file."""
    assert parse_data("@-") == {"n": 3}


@pytest.mark.parametrize("raw", [False, True])
def test_an_event_from_standard_input(stdin, raw):
    """As its data, or as the body of a request."""
    found = read_file(Path("-"), raw=raw)
    assert (found["body"]["json"] if raw else found) == {"n": 3}
