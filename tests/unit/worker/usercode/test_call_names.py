"""What calls are named in Temporal: readable, and the same in every process."""

from __future__ import annotations

import functools
import types

import pytest
import requests
import rich.console

from worker.usercode.call_names import activity_name
from worker.usercode.callees import canonical

SOURCE = """
def fetch(): pass
def outer():
    def inner(): pass
    return inner
class Client:
    def load(self): pass
    class Part:
        def load(self): pass
nothing = lambda: None
"""


def project_module(name: str) -> dict:
    """A module of a project, as the namespace makes it."""
    scope: dict = {"__name__": name, "__ak_route__": lambda callee, _site: callee}
    exec(compile(SOURCE, "/project/main.py", "exec"), scope)
    return scope


@pytest.mark.parametrize(
    ("find", "name"),
    [
        (lambda m: m["fetch"], "pkg.main.fetch"),
        (lambda m: m["outer"](), "pkg.main.outer.inner"),
        (lambda m: m["nothing"], "pkg.main.lambda"),
        (lambda m: m["Client"], "pkg.main.Client"),
        (lambda m: m["Client"]().load, "pkg.main.Client.load"),
        (lambda m: m["Client"].Part().load, "pkg.main.Client.Part.load"),
        (lambda m: functools.partial(functools.partial(m["fetch"], 1), 2), "pkg.main.fetch"),
        (lambda m: staticmethod(m["fetch"]), "pkg.main.fetch"),
    ],
)
def test_users_functions_are_named_by_module_and_name(find, name):
    """The module stands in full, without the noise of nesting."""
    assert activity_name(find(project_module("pkg.main"))) == name


@pytest.mark.parametrize(
    ("callee", "name"),
    [
        (requests.get, "requests.get"),
        (rich.console.Console().print, "rich.Console.print"),
        (requests.Session, "requests.Session"),
        (object(), "builtins.object.__call__"),
        (str.lower, "builtins.str.lower"),
    ],
)
def test_libraries_are_named_by_their_package(callee, name):
    """Where inside its package a class lives does not matter."""
    assert activity_name(callee) == name


def test_names_hold_no_addresses():
    """A method whose function is itself an object has no name of its own."""

    class Function:
        """Called as a method."""

        def __call__(self, *args):
            """Nothing."""

    method = types.MethodType(Function(), [])
    assert "0x" not in activity_name(method)
    assert activity_name(method).startswith("builtins.list.")


@pytest.mark.parametrize(
    ("module", "public"),
    [
        ("posix", "os"),
        ("genericpath", "os.path"),
        ("_socket", "socket"),
        ("_thread", "threading"),
        ("pathlib._local", "pathlib"),
        ("concurrent.futures._base", "concurrent.futures._base"),
        ("_sre", "_sre"),
        ("vendor._client", "vendor._client"),
    ],
)
def test_modules_have_public_names(module, public):
    """Where Python keeps a function is not where people find it."""
    assert canonical(module) == public
