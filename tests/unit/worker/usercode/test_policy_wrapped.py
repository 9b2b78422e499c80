"""Which calls become activities when the callable is not what it seems: wrappers, marks, inherited methods."""

from __future__ import annotations

import contextlib
import functools
import smtplib
import time
import types
from textwrap import dedent

import httpx
import pytest
import requests

import autokitteh
from worker.usercode.policy import Policy

SOURCE = """
import contextlib, dataclasses, enum, functools, http.client, requests, smtplib, typing

class Plain:
    def __init__(self):
        self.base = super().__init__

class Failure(Exception):
    def __init__(self, text):
        self.base = super().__init__

@dataclasses.dataclass
class Record:
    value: int = 0

class Special(Record):
    def __init__(self):
        self.base = super().__init__
        self.equal = super().__eq__

class Api(requests.Session):
    def __init__(self):
        self.base = super().__init__
        self.base()

    def fetch(self):
        return 1

class Mailer(smtplib.SMTP):
    pass

class Quiet(smtplib.SMTP):
    def __init__(self):
        self.base = super().__init__

class Table(dict):
    def get(self, key):
        return super().get

class Callable:
    def __call__(self):
        pass

class Color(enum.Enum):
    RED = 1

@contextlib.contextmanager
def managed():
    yield

@functools.lru_cache
def cached():
    pass

@functools.singledispatch
def dispatched(value):
    pass

def plain():
    def inner():
        pass
    return inner

class Static:
    @staticmethod
    def still():
        pass

    @classmethod
    def of_class(cls):
        pass
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A project's module, and the policy of the project."""
    directory = tmp_path_factory.mktemp("project")
    module = types.ModuleType("main")
    module.__file__ = str(directory / "main.py")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(__import__("sys").modules, "main", module)
        exec(compile(dedent(SOURCE), module.__file__, "exec"), vars(module))
    return module, Policy(directory)


OWN = {
    "function": lambda m: m.plain,
    "nested function": lambda m: m.plain(),
    "class": lambda m: m.Api,
    "method": lambda m: m.Api().fetch,
    "static method": lambda m: m.Static.still,
    "static method in its class body": lambda m: vars(m.Static)["still"],
    "class method": lambda m: m.Static.of_class,
    "callable object": lambda m: m.Callable(),
    "context manager": lambda m: m.managed,
    "cached function": lambda m: m.cached,
    "single dispatch": lambda m: m.dispatched,
    "partial": lambda m: functools.partial(m.plain, 1),
}
INLINE = {
    "super().__init__ of object": lambda m: m.Plain().base,
    "super().__init__ of an exception": lambda m: m.Failure("x").base,
    "super().__init__ of a dataclass": lambda m: m.Special().base,
    "super().__init__ of a library's class": lambda m: m.Api().base,
    "super().__eq__ of a dataclass": lambda m: m.Special().equal,
    "overridden method of a built-in type": lambda m: m.Table().get("a"),
    "dataclass": lambda m: m.Record,
    "enumeration": lambda m: m.Color,
    "method of an exception": lambda m: m.Failure("x").with_traceback,
}
OUTSIDE = {
    "inherited method": lambda m: m.Api().get,
    "inherited constructor that connects": lambda m: m.Mailer,
    "super().__init__ that connects": lambda m: m.Quiet().base,
    "library's wrapper": lambda m: functools.wraps(m.plain)(copy_of(requests.get)),
    "library's context manager": lambda m: httpx.stream,
    "cached call of a library": lambda m: functools.lru_cache(requests.get),
    "partial": lambda m: functools.partial(requests.get, "http://x"),
    "partial of a clock": lambda m: functools.partial(time.sleep, 1),
    "cached clock": lambda m: functools.lru_cache(time.time),
}


def made(kind):
    """An object of the class."""
    return kind()


def copy_of(function):
    """A function with the same code: ``wraps`` changes what it is given."""
    return types.FunctionType(function.__code__, function.__globals__)


@pytest.mark.parametrize("find", OWN.values(), ids=OWN)
def test_own_code_runs_where_it_is_called(project, find):
    """The user's code is recognised in whatever wrapping Python puts around it."""
    module, policy = project
    decision = policy.decide(find(module))
    assert (decision.kind, decision.reason) == ("inline", "the user's own code")


@pytest.mark.parametrize("find", INLINE.values(), ids=INLINE)
def test_what_python_does_for_classes_runs_where_it_is_called(project, find):
    """Constructors, special methods and methods of built-in bases are no calls to the outside."""
    module, policy = project
    assert policy.decide(find(module)).kind == "inline"


@pytest.mark.parametrize("find", OUTSIDE.values(), ids=OUTSIDE)
def test_libraries_code_behind_the_users_names_is_an_activity(project, find):
    """Inherited methods and wrappers run a library's code, whatever they are called."""
    module, policy = project
    assert policy.decide(find(module)).kind == "activity"


def test_live_objects_are_called_in_this_process(project):
    """Methods of a connection, also inherited by the user's class, need the very object."""
    module, policy = project
    assert policy.decide(module.Quiet().sendmail).kind == "local"
    assert policy.decide(object.__new__(smtplib.SMTP_SSL).sendmail).kind == "local"


@pytest.mark.parametrize(
    "marked",
    [
        lambda: autokitteh.activity(lambda: None),
        lambda: functools.partial(autokitteh.activity(lambda: None)),
        lambda: autokitteh.activity(functools.partial(len)),
        lambda: autokitteh.activity(len),
        lambda: autokitteh.activity(type("Marked", (), {})),
        lambda: made(autokitteh.activity(type("Marked", (), {}))),
        lambda: type("Has", (), {"method": autokitteh.activity(lambda self: None)})().method,
        lambda: made(type("Has", (), {"__call__": autokitteh.activity(lambda self: None)})),
        lambda: type("Has", (), {"still": autokitteh.activity(staticmethod(len))}).still,
        lambda: autokitteh.activity(staticmethod(lambda: None)),
        lambda: functools.wraps(autokitteh.activity(lambda: None))(lambda: None),
    ],
    ids=[
        *("function", "partial of a marked one", "marked partial", "builtin", "class", "object of the class"),
        *("method", "__call__", "static method", "static method in its class body", "wrapper"),
    ],
)
def test_marks_are_found_in_every_wrapping(project, marked):
    """Where a mark was put, it counts."""
    assert project[1].decide(marked()).reason == "marked @activity"


def test_attributes_made_up_on_demand_are_no_marks(project):
    """A proxy that has every attribute is neither marked nor the user's."""

    class Proxy:
        """Has everything."""

        __module__ = "vendor.client"

        def __getattr__(self, name):
            raise AssertionError(f"{name} was asked for")

    Proxy.__call__ = copy_of(requests.get)
    assert project[1].decide(Proxy()).kind == "activity"


def test_stand_ins_of_ours_are_not_routed_twice(project):
    """What was routed where it was named does the right thing when it is called."""
    ours = type("Routed", (), {"__module__": "worker.session.calls", "__call__": lambda self: None})()
    assert project[1].decide(ours).kind == "inline"


def test_pure_wrappers_do_not_recurse_for_ever(project):
    """A wrapper that says it wraps itself is decided all the same."""
    function = contextlib.contextmanager(lambda: None)
    function.__wrapped__ = function
    assert project[1].decide(function).kind == "inline"
