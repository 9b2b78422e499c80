"""What user code imports: events, dictionaries with attributes, marks, errors."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys

import pytest

import autokitteh
from autokitteh import AttrDict, Event, _runtime, activities, errors


def test_attr_dict_reads_keys_as_attributes():
    """Nested dictionaries are wrapped when reached by attribute, and stay plain by item."""
    data = AttrDict({"body": {"text": "x", "list": [{"a": 1}]}})
    assert (data.body.text, data["body"]["text"], data.body.list) == ("x", "x", [{"a": 1}])
    assert type(data["body"]) is dict
    assert "body" in dir(data)


def test_attr_dict_missing_attribute_is_an_attribute_error():
    """hasattr and getattr with a default work."""
    assert not hasattr(AttrDict({"a": 1}), "b")
    with pytest.raises(AttributeError, match="b"):
        _ = AttrDict({"a": 1}).b


def test_attr_dict_refuses_to_set_attributes():
    """Data is changed by item."""
    data = AttrDict()
    with pytest.raises(NotImplementedError, match="item"):
        data.a = 1
    data["a"] = 1
    assert data.a == 1


def test_attr_dict_methods_shadow_keys():
    """``items`` stays a method."""
    assert callable(AttrDict({"items": 1}).items)


@pytest.mark.parametrize("clone", [copy.copy, copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))])
def test_attr_dict_and_event_are_copied(clone):
    """They can be copied and pickled."""
    data = AttrDict({"a": {"b": [1]}})
    event = Event(data=data, event_id="evt_1")
    assert (clone(data), type(clone(data)), clone(event)) == (data, AttrDict, event)


def test_event_is_read_as_attributes_and_items():
    """``event.data`` and ``event["data"]`` are the same; ``get`` has a default."""
    event = Event(data=AttrDict({"a": 1}), session_id="ses_1")
    assert (event["data"], event.data.a, event["session_id"]) == (event.data, 1, "ses_1")
    assert (event.get("event_type", "none"), event.get("nope", 3), "data" in event) == ("none", 3, True)
    with pytest.raises(KeyError):
        _ = event["nope"]


def test_activity_marks_and_returns_the_function():
    """The function stays what it is, with a mark."""

    @autokitteh.activity
    def plain(value):
        return value

    @autokitteh.activity(retries=3, timeout=2)
    def more(value):
        return value

    assert plain(1) == more(1) == 1
    assert plain.__ak_activity__ == activities.ActivityMark()
    assert more.__ak_activity__ == activities.ActivityMark(3, 2)


def test_activity_marks_what_takes_no_attributes():
    """Built-in functions and bound methods are wrapped."""
    assert autokitteh.activity(len)([1]) == 1
    assert autokitteh.activity("a".upper)() == "A"
    assert hasattr(autokitteh.activity(len), "__ak_activity__")


def test_marks_inside_a_class():
    """Methods, static methods and classes can be marked."""

    class Thing:
        """Some methods."""

        @autokitteh.activity
        @staticmethod
        def still():
            return 1

        @autokitteh.activity
        def method(self):
            return 2

    assert (Thing.still(), Thing().method()) == (1, 2)
    assert hasattr(Thing.still, "__ak_activity__")
    assert hasattr(Thing().method, "__ak_activity__")


def test_inhibit_marks():
    """The mark says that nothing inside becomes an activity."""

    @autokitteh.inhibit_activities
    def quiet():
        return 1

    assert (quiet(), quiet.__ak_inhibit__) == (1, True)


def test_register_no_activity_reaches_the_runtime():
    """Whatever runs the program is told; nothing is, when nothing runs it."""
    seen: list = []

    class Runtime:
        """Remembers."""

        def register_no_activity(self, items):
            seen.extend(items)

    autokitteh.register_no_activity([len])
    with _runtime.installed(Runtime()):
        autokitteh.register_no_activity([len])
    assert seen == [len]


@pytest.mark.parametrize(
    "error",
    [
        errors.AutoKittehError("x"),
        errors.ConnectionInitError("conn"),
        errors.EnvVarError("NAME", "missing"),
        errors.OAuthRefreshError("conn", ValueError("x")),
        errors.AtlassianOAuthError("conn"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_errors_pickle(error):
    """Errors travel between processes."""
    found = pickle.loads(pickle.dumps(error))
    assert (type(found), str(found)) == (type(error), str(error))


def test_sdk_imports_the_standard_library_only():
    """Importing the SDK brings in nothing that is not Python's."""
    code = "import sys, autokitteh; print([m for m in sys.modules if '.' not in m and m not in sys.stdlib_module_names])"
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    assert set(eval(done.stdout)) <= {"autokitteh", "__main__", "sitecustomize", "_distutils_hack"} | {
        name for name in eval(done.stdout) if name.startswith("_")
    }
