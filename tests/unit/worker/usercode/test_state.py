"""Which module-level state a function can see."""

from __future__ import annotations

import sys
import types
from textwrap import dedent

import pytest

from worker.usercode.state import reachable_state

USER = frozenset({"main", "settings"})
SOURCE = """
    import functools
    import json
    import settings
    from settings import SHARED

    COUNT = 0
    ITEMS = []
    UNUSED = {}
    __private__ = 1
    client = json.JSONEncoder()

    def direct():
        return COUNT

    def writes():
        global COUNT
        COUNT += 1

    def through_helper():
        return direct()

    def inner():
        def deeper():
            return [ITEMS for _ in range(2)]
        return deeper

    def recursive(n):
        return recursive(n - 1) if n else COUNT

    class Thing:
        def method(self):
            return ITEMS
        @property
        def prop(self):
            return COUNT
        @staticmethod
        def still():
            return UNUSED

    def makes_thing():
        return Thing()

    def of_module():
        return settings.LIMIT

    def imported():
        return SHARED

    def uses_client():
        return client.encode(1), json.dumps(2)

    @functools.lru_cache
    def cached():
        return ITEMS

    def local_only():
        COUNT = 1
        return COUNT

    def dunder():
        return __private__, __name__
"""


@pytest.fixture
def main(monkeypatch):
    """The user's module, with a second one it imports."""
    settings = types.ModuleType("settings")
    settings.LIMIT, settings.SHARED, settings.OTHER = 3, [], 4
    monkeypatch.setitem(sys.modules, "settings", settings)
    module = types.ModuleType("main")
    exec(dedent(SOURCE), vars(module))
    return module


def seen(function):
    """The paths a function can see."""
    return sorted(reachable_state(function, USER.__contains__))


@pytest.mark.parametrize(
    ("name", "paths"),
    [
        ("direct", ["main:COUNT"]),
        ("writes", ["main:COUNT"]),
        ("through_helper", ["main:COUNT"]),
        ("inner", ["main:ITEMS"]),
        ("recursive", ["main:COUNT"]),
        ("Thing", ["main:COUNT", "main:ITEMS", "main:UNUSED"]),
        ("makes_thing", ["main:COUNT", "main:ITEMS", "main:UNUSED"]),
        ("of_module", ["settings:LIMIT"]),
        ("imported", ["main:SHARED"]),
        ("uses_client", ["main:client"]),
        ("cached", ["main:ITEMS"]),
        ("local_only", []),
        ("dunder", []),
    ],
)
def test_state_is_what_the_code_mentions(main, name, paths):
    """Functions, classes and what they call are followed; what is not mentioned is not seen."""
    assert seen(getattr(main, name)) == paths


def test_state_of_a_bound_method_is_that_of_its_function(main):
    """A method of an instance sees what its function sees."""
    assert seen(main.Thing().method) == ["main:ITEMS"]


def test_state_leads_to_where_the_value_lives(main):
    """The place is the module's own dictionary: what is put there is seen by everybody."""
    scope, name = reachable_state(main.direct, USER.__contains__)["main:COUNT"]
    scope[name] = 5
    assert main.direct() == 5


@pytest.mark.parametrize("function", [len, dedent, str.upper, object()])
def test_state_of_strangers_is_not_the_users(function):
    """Libraries, built-ins and what cannot be called see nothing of the project."""
    assert seen(function) == []
