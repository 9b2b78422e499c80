"""Exceptions across the boundary: type, text, attributes, notes, cause and group."""

from __future__ import annotations

import json
import threading

import httpx
import pytest
import requests
from urllib3 import HTTPConnectionPool
from urllib3.exceptions import MaxRetryError, NewConnectionError

from tests.helpers.codecs import UserCode, codec, in_user_code, sent
from worker.payload import exceptions


class CustomError(Exception):
    """An error with a constructor of its own."""

    def __init__(self, response, *, code):
        super().__init__(f"custom {response}")
        self.response = response
        self.code = code
        self.lock = threading.Lock()


class ProblemError(Exception):
    """An error whose text and whose members fail."""

    def __str__(self) -> str:
        raise RuntimeError("no text")

    @property
    def value(self):
        """Never there."""
        raise KeyError("no value")


def crossed(error: BaseException, code: UserCode | None = None) -> BaseException:
    """The exception after it crossed as Temporal keeps it."""
    made = codec(code)
    tree = exceptions.encode_exception(error, made, lambda _e: [])
    return exceptions.decode_exception(json.loads(sent(tree)), made)


def test_custom_exception_keeps_type_and_attributes():
    """No constructor is called; what cannot travel is described."""
    found = crossed(CustomError("r", code=4))
    assert isinstance(found, CustomError)
    assert (found.code, found.response, str(found)) == (4, "r", "custom r")
    assert "lock" in found.lock


@pytest.mark.parametrize(
    "error",
    [
        FileNotFoundError(2, "no", "x"),
        OSError(5, "io", "a", None, "b"),
        UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"),
        UnicodeEncodeError("ascii", "\ud800", 0, 1, "bad"),
        SyntaxError("bad", ("main.py", 3, 4, "x = ", 3, 5)),
        ImportError("no module", name="m", path="/p"),
        NameError("no name", name="n"),
        KeyError("a"),
        KeyError(("a", 1)),
        StopIteration(3),
        SystemExit(2),
        KeyboardInterrupt(),
        AssertionError(),
        ValueError("\ud800", b"\xff"),
        json.JSONDecodeError("bad", "{", 1),
    ],
    ids=lambda error: ascii(error)[:40],
)
def test_builtin_exceptions_cross(error):
    """Errors of Python's own come back with type, arguments, text and details."""
    found = crossed(error)
    assert type(found) is type(error)
    assert (found.args, str(found)) == (error.args, str(error))
    for name in exceptions._STATE:
        assert getattr(found, name, None) == getattr(error, name, None)


def test_library_exception_keeps_what_its_handler_needs():
    """An error of a library comes back with the objects it carries."""
    request = httpx.Request("GET", "http://localhost/x")
    response = httpx.Response(404, request=request, text="gone")
    found = crossed(httpx.HTTPStatusError("404", request=request, response=response))
    assert isinstance(found, httpx.HTTPStatusError)
    assert (found.response.status_code, found.response.text, str(found.request.url)) == (
        404,
        "gone",
        "http://localhost/x",
    )


def test_exception_whose_members_fail_crosses():
    """Neither a text nor a property that raises keeps an error from crossing."""
    found = crossed(ProblemError("a"))
    assert type(found) is ProblemError
    assert found.args == ("a",)


def test_user_exception_is_the_builds():
    """An exception class of the user's is found by its path."""
    kind = in_user_code("type('Broken', (ValueError,), {'__module__': 'user_code'})")
    assert type(crossed(kind("x"), UserCode(Broken=kind))) is kind


def test_unknown_type_becomes_a_class_of_its_name():
    """``except`` of the nearest known base still catches it."""
    local = type("Elsewhere", (LookupError,), {"__module__": "no_such_module"})
    found = crossed(local("x"))
    assert (type(found).__name__, isinstance(found, LookupError)) == ("Elsewhere", True)
    assert type(found).__module__ == "no_such_module"


def test_name_of_something_else_is_no_exception_type():
    """A path that leads to anything but an exception is not used."""
    for path in ("os:system", "builtins:int", "no_such_module:X", "os:nothing", "", ":"):
        assert exceptions.lookup(path, codec()) is None


def test_cause_context_and_suppression_cross():
    """``raise … from`` reads the same on the other side."""
    error = ValueError("outer")
    error.__cause__ = KeyError("why")
    found = crossed(error)
    assert (repr(found.__cause__), found.__suppress_context__) == ("KeyError('why')", True)
    plain = ValueError("outer")
    plain.__context__ = OSError("meanwhile")
    assert repr(crossed(plain).__context__) == "OSError('meanwhile')"
    plain.__suppress_context__ = True
    assert crossed(plain).__context__ is None


def test_chain_that_leads_back_to_itself_ends():
    """A loop of causes is cut."""
    one, two = ValueError("1"), ValueError("2")
    one.__cause__, two.__cause__ = two, one
    found, depth = crossed(one), 0
    while found is not None:
        found, depth = found.__cause__, depth + 1
    assert depth == exceptions._DEPTH + 1


def test_notes_cross():
    """Notes are attributes."""
    error = ValueError("x")
    error.add_note("seen at noon")
    assert crossed(error).__notes__ == ["seen at noon"]


def test_groups_cross_with_their_members():
    """``except*`` finds the members."""
    group = ExceptionGroup("many", [ValueError("a"), ExceptionGroup("inner", [KeyError("b")])])
    found = crossed(group)
    assert isinstance(found, ExceptionGroup)
    assert found.message == "many"
    assert repr(found.subgroup(KeyError).exceptions[0].exceptions) == "(KeyError('b'),)"


def test_frames_of_the_other_side_are_kept_once_more():
    """An error that crosses twice shows the user's frames of both sides."""
    made = codec()
    first = exceptions.encode_exception(ValueError("x"), made, lambda _: [("a.py", 1, "f", "g()")])
    second = exceptions.encode_exception(
        exceptions.decode_exception(first, made), made, lambda _: [("b.py", 2, "h", "f()")]
    )
    assert second["frames"] == [["b.py", 2, "h", "f()"], ["a.py", 1, "f", "g()"]]
    assert "__ak_frames__" not in json.dumps(second.get("attributes", {}))


def test_large_attribute_is_described():
    """An attribute over the size limit does not keep the error from crossing."""
    error = ValueError("x")
    error.page = "y" * 40_000_000
    found = crossed(error)
    assert len(found.page) < 100


def test_errors_of_connections_keep_the_host_in_their_text():
    """urllib3's errors leave it out when they are pickled; ``requests`` puts them inside of its own."""
    pool = HTTPConnectionPool("db.example.com", 80)
    inner = MaxRetryError(pool, "/", NewConnectionError(pool, "refused"))
    found = crossed(requests.ConnectionError(inner))
    assert str(found) == str(requests.ConnectionError(inner))
    assert "db.example.com" in str(found)
    assert isinstance(found.args[0].reason, NewConnectionError)
    assert str(found.args[0].reason) == str(inner.reason)


def made_at_run_time(base=CustomError, **members):
    """A class that no import finds, as ``boto3`` makes those of a client's errors."""
    return type("Missing", (base,), {"__module__": "vendor.made", **members})


def test_an_error_of_a_class_made_at_run_time_is_caught_by_it():
    """Of all there are of its name, since nobody knows which one the program asks for; of none by another name."""
    one, other = made_at_run_time(), made_at_run_time()
    unlike = type("Unlike", (CustomError,), {"__module__": "vendor.made"})
    for kind in (one, other):
        found = crossed(kind("r", code=4))
        assert isinstance(found, one)
        assert isinstance(found, other)
        assert not isinstance(found, unlike)
        assert type(found).__qualname__ == "Missing"
        assert str(found) == "custom r"


def test_classes_that_exclude_each_other_leave_a_new_one():
    """Python cannot derive from both; their base still catches it."""
    kinds = [made_at_run_time(KeyError, __slots__=("x",)), made_at_run_time(KeyError, __slots__=("y",))]
    found = crossed(kinds[0]("a"))
    assert isinstance(found, KeyError)
    assert not isinstance(found, tuple(kinds))


def test_sessions_of_before_do_not_look_for_such_classes():
    """They went on with a class of that name, and have to again."""
    one = made_at_run_time(ValueError)
    made = codec(None)
    tree = json.loads(sent(exceptions.encode_exception(one("x"), made, lambda _e: [])))
    assert not isinstance(exceptions.decode_exception(tree, made, lambda: False), one)
    assert isinstance(exceptions.decode_exception(tree, made), one)
