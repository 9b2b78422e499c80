"""Which callables have a deterministic stand-in, and under which name."""

from __future__ import annotations

import datetime as dt
import importlib
import os
import random
import secrets
import time
import uuid

import pytest

from worker.session import standins
from worker.usercode import substitutes


class Moment(dt.datetime):
    """A subclass, as libraries make them."""


@pytest.mark.parametrize(
    ("callee", "name"),
    [
        (time.time, "time.time"),
        (time.time_ns, "time.time_ns"),
        (time.monotonic, "time.monotonic"),
        (time.sleep, "time.sleep"),
        (time.localtime, "time.localtime"),
        (dt.datetime.now, "datetime.datetime.now"),
        (dt.datetime.utcnow, "datetime.datetime.utcnow"),
        (dt.datetime.today, "datetime.datetime.today"),
        (dt.date.today, "datetime.date.today"),
        (Moment.now, "datetime.datetime.now"),
        (Moment.today, "datetime.datetime.today"),
        (dt.datetime(2026, 1, 1).now, "datetime.datetime.now"),
        (uuid.uuid4, "uuid.uuid4"),
        (secrets.token_hex, "secrets.token_hex"),
        (os.urandom, "os.urandom"),
        (random.randint, "random.randint"),
        (random.Random, "random.Random"),
        (importlib.import_module, "importlib.import_module"),
        (print, "builtins.print"),
        (input, "builtins.input"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_lookup_names_the_stand_in(callee, name):
    """Each is found under its public name, also through subclasses and instances."""
    assert substitutes.lookup(callee) == name


@pytest.mark.parametrize(
    "callee",
    [
        random.Random(1).random,
        uuid.uuid3,
        uuid.uuid5,
        uuid.UUID,
        dt.datetime.fromtimestamp,
        dt.datetime(2026, 1, 1).date,
        dt.timedelta,
        time.struct_time,
        secrets.compare_digest,
        len,
        lambda: None,
        object(),
    ],
    ids=lambda callee: getattr(callee, "__qualname__", "object"),
)
def test_lookup_knows_what_needs_none(callee):
    """What depends on its arguments alone, and generators of the user's own, are left as they are."""
    assert substitutes.lookup(callee) is None


@pytest.mark.parametrize(
    "name",
    [n for n in random.__all__ if isinstance(getattr(getattr(random, n), "__self__", None), random.Random)],
)
def test_functions_of_random_are_those_of_the_session(name):
    """Every function of ``random`` that uses the shared generator is replaced."""
    assert substitutes.lookup(getattr(random, name)) == f"random.{name}"


def test_lookup_never_confuses_objects_at_one_address():
    """An object is compared, not only its address."""
    for _ in range(100):
        assert substitutes.lookup(object()) is None


def test_every_substitute_is_implemented():
    """What the table names, the session offers; the replaced builtins are the namespace's."""
    assert {name for name in substitutes.names() if not name.startswith("builtins.")} <= standins.names()
