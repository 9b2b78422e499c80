"""What a project says about its libraries in pyproject.toml."""

from __future__ import annotations

import sys
import types

import pytest

from worker.errors import UserCodeError
from worker.usercode import extension, hidden
from worker.usercode.policy import Policy

TABLE = """
[project]
name = "mine"

[tool.autokitteh.calls]
inline = ["acme", "acme.Query"]
activity = ["acme.fetch", "json.dumps"]
local = ["acme.Live"]
hidden = ["acme.Session.request", "acme.Session.send"]
"""
ACME = """
def parse(): pass
def fetch(): pass
class Live:
    def use(self): pass
class Mine(Live): pass
class Session:
    def request(self, n): return ("asked", n)
    @property
    def title(self): return self.request(1)
"""


@pytest.fixture
def acme(monkeypatch):
    """A library that nobody knows."""
    module = types.ModuleType("acme")
    module.__file__ = "/elsewhere/acme.py"
    exec(compile(ACME, "/elsewhere/acme.py", "exec"), vars(module))
    monkeypatch.setitem(sys.modules, "acme", module)
    return module


def read(tmp_path, text):
    """The extension of a project with this file."""
    (tmp_path / "pyproject.toml").write_text(text)
    return extension.read(tmp_path)


def test_project_without_a_table_has_no_rules(tmp_path):
    """Neither a missing file nor one about other things matters."""
    assert extension.read(tmp_path) == extension.Extension()
    assert read(tmp_path, "[tool.ruff]\nline-length = 100\n") == extension.Extension()


def test_own_rules_come_before_the_tables(tmp_path, acme):
    """The longest name of the project's decides, also for methods of subclasses, and ours do for the rest."""
    import base64
    import json

    found = read(tmp_path, TABLE)
    policy = Policy(tmp_path, found)
    kinds = [
        policy.decide(callee).kind
        for callee in (acme.parse, acme.fetch, acme.Live, acme.Mine().use, json.dumps, base64.b64encode)
    ]
    assert kinds == ["inline", "activity", "local", "local", "activity", "inline"]
    assert Policy(tmp_path).decide(acme.parse).kind == "activity"
    assert found.hidden == {"acme": ("Session.request", "Session.send")}


def test_hidden_methods_ask_first(tmp_path, acme):
    """What they are told to call is called, and nothing else changes; a method that is not there is no error."""
    told = []

    def divert(method):
        told.append(method.__name__)
        return (lambda n: ("diverted", n)) if len(told) == 1 else None

    hidden.change(acme, ("Session.request", "Session.send", "Nobody.here"), divert)
    session = acme.Session()
    assert session.title == ("diverted", 1)
    assert session.title == ("asked", 1)
    assert told == ["request", "request"]


def test_modules_of_the_table_are_changed_when_they_are_imported(tmp_path, monkeypatch):
    """Whenever that is."""
    (tmp_path / "lazy_acme.py").write_text(ACME)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    monkeypatch.setattr(hidden, "HIDDEN", {})
    hidden.install(lambda _method: lambda n: ("diverted", n), {"lazy_acme": ("Session.request",)})
    import lazy_acme

    assert lazy_acme.Session().title == ("diverted", 1)
    del sys.modules["lazy_acme"]


@pytest.mark.parametrize(
    ("line", "where", "message"),
    [
        ("inlin = []", 2, "inlin is none of inline, activity, local, hidden"),
        ("inline = 1", 2, "inline is a list of dotted names"),
        ('\ninline = ["a b"]', 3, "'a b' is no dotted name"),
        ('hidden = ["request"]', 2, "request does not name a method: write module.Class.method"),
        ('inline = ["a"]\nactivity = ["a"]', 2, "a is both inline and activity"),
        ("inline = = 1", 2, "Invalid value"),
    ],
)
def test_wrong_tables_name_the_line(tmp_path, line, where, message):
    """One clear message."""
    with pytest.raises(UserCodeError) as raised:
        read(tmp_path, f"[tool.autokitteh.calls]\n{line}\n")
    assert raised.value.message.startswith(message)
    assert raised.value.where == f"pyproject.toml:{where}"
