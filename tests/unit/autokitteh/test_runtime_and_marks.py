"""The door to the runtime, and what marks refuse."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

import autokitteh
from autokitteh import AttrDict, Event, _runtime
from autokitteh._local import LocalRuntime


class Runtime:
    """Remembers what is registered."""

    def __init__(self) -> None:
        self.items: list = []

    def register_no_activity(self, items):
        """Remember."""
        self.items.extend(items)


@pytest.fixture(autouse=True)
def _restored_default():
    yield
    _runtime.set_default(None)


def test_local_runtime_remembers_what_is_registered():
    """Outside a session nothing becomes an activity; the program can still be asked what it wants."""
    runtime = LocalRuntime()
    with _runtime.installed(runtime):
        autokitteh.register_no_activity([len, str])
    assert runtime.never_activities == [len, str]


def test_default_runtime_reaches_threads():
    """A thread has no context of its parent's, but the process's default."""
    default, installed = Runtime(), Runtime()
    _runtime.set_default(default)
    with _runtime.installed(installed):
        thread = threading.Thread(target=lambda: autokitteh.register_no_activity([len]))
        thread.start()
        thread.join()
        assert _runtime.current() is installed
    assert (default.items, installed.items) == ([len], [])
    assert _runtime.current() is default


def test_installed_runtimes_nest():
    """Each ends with its block, also when it fails."""
    outer, inner = Runtime(), Runtime()

    def fail():
        with _runtime.installed(inner):
            assert _runtime.current() is inner
            raise ZeroDivisionError

    with _runtime.installed(outer):
        with pytest.raises(ZeroDivisionError):
            fail()
        assert _runtime.current() is outer


@pytest.mark.parametrize("options", [{"retries": -1}, {"timeout": 0}, {"timeout": timedelta(0)}])
def test_activity_refuses_impossible_options(options):
    """Wrong options fail where they are written."""
    with pytest.raises(ValueError, match="@activity"):
        autokitteh.activity(**options)


def test_activity_refuses_what_is_not_called():
    """A property is read, never called: a mark on it would mean nothing."""
    with pytest.raises(TypeError, match="property"):
        autokitteh.activity(property(lambda self: 1))


def test_activity_timeout_is_kept_in_seconds():
    """A timedelta and a number mean the same."""
    marked = autokitteh.activity(timeout=timedelta(minutes=1))(lambda: None)
    assert marked.__ak_activity__.timeout_seconds == 60


def test_event_wraps_plain_dictionaries():
    """Tests of handlers can pass what they have at hand."""
    assert Event(data={"a": {"b": 1}}).data.a.b == 1
    assert type(Event(data=AttrDict(a=1)).data) is AttrDict


def test_event_is_a_mapping_for_dict():
    """An event can be turned into a dictionary."""
    assert dict(Event(event_type="post"))["event_type"] == "post"


def test_attr_dict_error_names_the_key():
    """The message and the attributes of the error say which key is missing."""
    with pytest.raises(AttributeError, match="there is no key 'nope'") as missing:
        _ = AttrDict(none=1).nope
    assert missing.value.name == "nope"
