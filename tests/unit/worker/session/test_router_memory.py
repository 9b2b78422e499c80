"""What the router remembers never changes what it decides."""

from __future__ import annotations

import contextlib
import random
import threading
from types import SimpleNamespace

import httpx
import pytest
from greenlet import GreenletExit

import autokitteh
from worker.session import router
from worker.session.calls import Routed
from worker.usercode.policy import Policy


@pytest.fixture
def route(tmp_path):
    """The router of a project, with one session running on this thread; stand-ins say their name."""
    session = SimpleNamespace(
        driver=SimpleNamespace(closed=False, check_open=lambda: None),
        inline=set(),
        inline_methods={},
        inhibited=0,
        never_activities=[],
        standins=SimpleNamespace(get=lambda name, _callee, _site: name),
    )
    state = SimpleNamespace(thread=threading.get_ident(), current=session, loading=0)
    host = SimpleNamespace(state=state, policy=Policy(tmp_path), hooks=None)
    routed, _ = router.build(host)

    def decide(callee):
        """What is called in the place of a callee."""
        return routed(callee, "main.py:1:0")

    decide.session = session
    return decide, tmp_path


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


def test_methods_are_remembered_by_their_code_until_they_are_marked(route):
    """Those of another object, of a subclass too; a mark that comes later counts."""
    decide, directory = route
    text = "class Base:\n    def do(self):\n        pass\n\nclass Other(Base):\n    pass\n"
    scope: dict = {"__name__": "main"}
    exec(compile(text, str(directory / "main.py"), "exec"), scope)
    for kind in ("Base", "Base", "Other"):
        method = scope[kind]().do
        assert decide(method) is method
    autokitteh.activity(scope["Base"].do)
    assert isinstance(decide(scope["Other"]().do), Routed)


def test_methods_that_a_library_wrapped_are_decided_each_by_itself(route):
    """One wrapper's code serves many functions: what one of them is says nothing about the next."""
    decide, directory = route
    text = "class Own:\n    @contextmanager\n    def do(self):\n        yield\n"
    scope: dict = {"__name__": "main", "contextmanager": contextlib.contextmanager}
    exec(compile(text, str(directory / "main.py"), "exec"), scope)
    method = scope["Own"]().do
    assert decide(method) is method

    class Client:
        """A library's."""

        stream = contextlib.contextmanager(httpx.stream.__wrapped__)

    Client.stream.__qualname__ = "Client.stream"
    assert isinstance(decide(Client().stream), Routed)


@pytest.mark.parametrize("name", ["function", "method"])
def test_session_that_is_dropped_runs_nothing_more(route, name):
    """Also what is remembered."""
    decide, directory, session = *route, route[0].session
    text = "def function():\n    pass\n\nclass Own:\n    def do(self):\n        pass\n"
    scope: dict = {"__name__": "main"}
    exec(compile(text, str(directory / "main.py"), "exec"), scope)
    callee = scope["function"] if name == "function" else scope["Own"]().do
    assert decide(callee) is callee

    def refuse():
        """As the driver of a session that is dropped."""
        raise GreenletExit

    session.driver.closed, session.driver.check_open = True, refuse
    with pytest.raises(GreenletExit):
        decide(callee)
