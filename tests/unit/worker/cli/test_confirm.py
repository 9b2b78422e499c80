"""Who is asked, and what counts as a yes."""

from __future__ import annotations

import io
import sys

import pytest

from worker.cli.confirm import confirm
from worker.errors import InUseError

REFUSAL = InUseError("no")


class Terminal(io.StringIO):
    """A stream that is a terminal, or not."""

    def __init__(self, text="", *, tty=True):
        super().__init__(text)
        self.tty = tty

    def isatty(self):
        """What it was made as."""
        return self.tty


@pytest.mark.parametrize("answer", ["y\n", "Yes\n"])
def test_yes_goes_on(monkeypatch, answer):
    """The question stands on standard error, where no program reads."""
    shown = Terminal()
    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    monkeypatch.setattr(sys, "stderr", shown)
    confirm("Go on?", REFUSAL, yes=False, as_json=False)
    assert shown.getvalue() == "Go on? [y/N] "


@pytest.mark.parametrize("answer", ["n\n", "\n", "", "yess\n"])
def test_anything_else_is_a_no(monkeypatch, answer):
    """Also the end of the input."""
    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    monkeypatch.setattr(sys, "stderr", Terminal())
    with pytest.raises(InUseError):
        confirm("Go on?", REFUSAL, yes=False, as_json=False)


@pytest.mark.parametrize(
    ("stdin", "stderr", "as_json"), [(False, True, False), (True, False, False), (True, True, True)]
)
def test_nobody_to_ask_is_a_no(monkeypatch, stdin, stderr, as_json):
    """Without a terminal, or when a program listens, nothing is asked and nothing waits."""
    shown = Terminal(tty=stderr)
    monkeypatch.setattr(sys, "stdin", Terminal("y\n", tty=stdin))
    monkeypatch.setattr(sys, "stderr", shown)
    with pytest.raises(InUseError):
        confirm("Go on?", REFUSAL, yes=False, as_json=as_json)
    assert shown.getvalue() == ""
    confirm("Go on?", REFUSAL, yes=True, as_json=as_json)
