"""What the router remembers never changes what it decides."""

from __future__ import annotations

import contextlib
import random
import threading
from types import SimpleNamespace

import httpx
import pytest

from worker.session import router
from worker.session.calls import Routed
from worker.usercode.policy import Policy


@pytest.fixture
def route(tmp_path):
    """The router of a project, with one session running on this thread; stand-ins say their name."""
    session = SimpleNamespace(
        driver=SimpleNamespace(closed=False, check_open=lambda: None),
        inline=set(),
        inhibited=0,
        never_activities=[],
        standins=SimpleNamespace(get=lambda name, _callee, _site: name),
    )
    state = SimpleNamespace(thread=threading.get_ident(), current=session, loading=0)
    host = SimpleNamespace(state=state, policy=Policy(tmp_path), hooks=None)
    routed, _ = router.build(host)
    return lambda callee: routed(callee, "main.py:1:0"), tmp_path


def test_seeded_generators_do_not_stand_for_the_shared_one(route):
    """A generator of the user's own is called as it is; ``random.random`` stays the session's."""
    decide, _ = route
    for name in ("random", "randint", "getrandbits"):
        own = getattr(random.Random(3), name)
        assert decide(own) is own
        assert decide(own) is own
        assert decide(getattr(random, name)) == f"random.{name}"


def test_wrappers_of_one_code_are_told_apart(route):
    """A context manager of the user's runs in place; a library's, made by the same decorator, is a call."""
    decide, directory = route
    scope: dict = {}
    exec(compile("def own():\n    yield\n", str(directory / "main.py"), "exec"), scope)
    own = contextlib.contextmanager(scope["own"])
    assert decide(own) is own
    assert isinstance(decide(httpx.stream), Routed)


def test_plain_functions_are_remembered(route):
    """The second look at a function is the cheap one."""
    decide, directory = route
    scope: dict = {}
    exec(compile("def own():\n    pass\n", str(directory / "main.py"), "exec"), scope)
    assert decide(scope["own"]) is scope["own"]
    assert decide(scope["own"]) is scope["own"]
    assert decide([].append)
    assert decide({}.get)
