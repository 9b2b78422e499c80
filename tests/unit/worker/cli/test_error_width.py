"""Errors at a terminal keep to its width, and break nothing that can be pasted."""

from __future__ import annotations

import io
import sys

from worker.cli import errors
from worker.errors import NotFoundError

URL = "http://127.0.0.1:9980/webhooks/a-very-long-slug-of-a-webhook-that-nobody-would-type"
COMMAND = "ak session fork ses_3f2a --at 7 --set-result '{}' --wait"
WHERE = "some/package/of/the/project/main.py:12345"


class Terminal(io.StringIO):
    """What stands under standard error."""

    def isatty(self) -> bool:
        """It is one."""
        return True


def error() -> NotFoundError:
    """One that says much."""
    message = f"nobody answers at {URL} and it was asked for there more often than anybody would like to read"
    return NotFoundError(message, where=WHERE, hint=f"Take a result of another one: `{COMMAND}`")


def test_an_error_keeps_to_the_terminals_width(monkeypatch):
    """Its lines go on in further ones; URL, command and place stay in one piece."""
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr("worker.cli.output.terminal_width", lambda: 60)
    errors.show(error(), as_json=False)
    lines = terminal.getvalue().splitlines()
    assert len(lines) > 3
    for whole in (URL, f"`{COMMAND}`", WHERE):
        assert any(whole in line for line in lines)
    assert all(len(line) <= 60 or len(line.split()) == 1 or f"`{COMMAND}`" == line.strip() for line in lines)


def test_an_error_in_a_pipe_is_as_it_is(capsys, monkeypatch):
    """Unless COLUMNS is set, as for tables."""
    monkeypatch.setattr("worker.cli.output.terminal_width", lambda: 0)
    errors.show(error(), as_json=False)
    assert len(capsys.readouterr().err.splitlines()) == 2
    monkeypatch.setattr("worker.cli.output.terminal_width", lambda: 60)
    errors.show(error(), as_json=False)
    assert len(capsys.readouterr().err.splitlines()) > 3
