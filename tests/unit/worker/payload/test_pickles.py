"""Pickles: what has a name travels by name, what cannot travel is named with its place."""

from __future__ import annotations

import datetime as dt
import functools
import io
import pickle
import threading

import pytest

from tests.helpers.codecs import UserCode, codec, in_user_code, round_trip
from worker.payload import pickles
from worker.payload.errors import UnpicklableError
from worker.payload.secret import Secrets


def named(source: str, name: str):
    """A function or class of the user's, and a project that has it under this name."""
    made = in_user_code(source)
    made.__name__ = made.__qualname__ = name
    return made, UserCode(**{name: made})


def test_user_function_travels_by_name():
    """The other side finds its own function of that path."""
    function, code = named("lambda: 1", "fetch")
    assert round_trip([function], codec(code))[0] is function
    assert b"user_code:fetch" in pickles.dumps(function, code, Secrets({}))


def test_instance_of_a_user_class_finds_the_class_of_the_other_side():
    """Only the state of an instance is sent; its class is what the build has there."""
    here, code = named("type('Report', (), {'__module__': 'user_code'})", "Report")
    there, other = named("type('Report', (), {'__module__': 'user_code'})", "Report")
    report = here()
    report.title = "x"
    found = codec(other).decode(codec(code).encode(report))
    assert (type(found), found.title) == (there, "x")


def test_routed_function_travels_as_the_function_it_routes():
    """A wrapper that stands for a user's function goes by that function's name."""
    function, code = named("lambda: 1", "fetch")
    wrapper = in_user_code("lambda: 2")
    wrapper.__ak_routed__ = function
    assert round_trip((wrapper,), codec(code))[0] is function


def test_user_lambda_is_refused_with_its_place():
    """A function of the user's without a name cannot travel; the error says which argument it is and where from."""
    with pytest.raises(UnpicklableError, match=r"argument 2: .*a lambda from <string>:1"):
        codec().encode_call((1, in_user_code("lambda: 1")), {})
    with pytest.raises(UnpicklableError, match=r"key: .*a lambda from <string>:1"):
        codec().encode_call((1,), {"key": in_user_code("lambda: 1")})


def test_class_inside_a_function_is_refused():
    """A class that has no path in the build is named."""
    with pytest.raises(UnpicklableError, match="the class Local"):
        codec().encode([in_user_code("type('Local', (), {'__module__': 'user_code'})")])


def test_library_closure_goes_by_value():
    """What a library makes on the fly crosses."""
    add = round_trip(functools.partial(lambda a, b: a + b, 1))
    assert add(2) == 3


@pytest.mark.parametrize(
    ("build", "place"),
    [
        (lambda lock: {"a": [1, lock]}, r"its \['a'\]\[1\] is a _thread.lock"),
        (lambda lock: (1, {2: {"x": lock}}), r"its \[1\]\[2\]\['x'\] is a _thread.lock"),
        (lambda lock: [type("Held", (), {"__module__": __name__})(), lock], r"its \[1\] is a _thread.lock"),
        (lambda lock: lock, r"a _thread.lock cannot be pickled"),
    ],
    ids=["list in dict", "nested", "second", "whole"],
)
def test_lock_is_named_with_its_place(build, place):
    """The error says which part of the value cannot travel."""
    with pytest.raises(UnpicklableError, match=place):
        codec().encode(build(threading.Lock()))


class Holder:
    """An object with a lock inside."""

    def __init__(self) -> None:
        self.name = "x"
        self.inner = {"lock": threading.Lock()}


def test_lock_in_an_attribute_is_named_with_its_place():
    """Attributes are part of the place."""
    with pytest.raises(UnpicklableError, match=r"its \[0\]\.inner\['lock'\] is a _thread.lock"):
        codec().encode([Holder()])


def test_global_that_does_not_pickle_goes_by_path():
    """A module-level client or lock is the other side's own, and the call says so."""
    lock = threading.Lock()
    made = codec(UserCode(lock=lock))
    args, _, by_path = made.decode_call(made.encode_call((lock, 1), {}))
    assert (args[0] is lock, by_path) == (True, True)


def test_global_that_pickles_goes_by_value():
    """What a session changed in a module-level object is not lost."""
    rates = [dt.date.min]
    made = codec(UserCode(rates=rates))
    args, _, by_path = made.decode_call(made.encode_call((rates,), {}))
    assert (args[0] == rates, args[0] is rates, by_path) == (True, False, False)


def test_old_objects_stand_by_their_name():
    """An object that both sides know is not copied."""
    old = [dt.date.min]
    made = codec()
    found = made.decode(made.encode([old, 1], {id(old): "0"}), {"0": old})
    assert found[0] is old


class Refuses:
    """An object whose copy cannot be made."""

    def __reduce__(self):
        return refuse, ()


def refuse():
    """Fail where it is unpickled."""
    raise ValueError("no copy")


def test_value_that_does_not_unpickle_says_so():
    """The error carries what the value's own code said."""
    with pytest.raises(UnpicklableError, match=r"does not unpickle \(ValueError: no copy\)"):
        round_trip(Refuses())


class Explodes:
    """An object that fails while it is pickled."""

    def __reduce__(self):
        raise RuntimeError("not me")


def test_failure_of_the_users_reduce_is_named():
    """An exception of the value's own code becomes one clear error."""
    with pytest.raises(UnpicklableError, match=r"Explodes"):
        codec().encode({"a": Explodes()})


def test_endless_nesting_is_refused():
    """A structure too deep to be pickled is an error of ours, not a crash."""
    deep: list = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(UnpicklableError, match="nested too deeply"):
        codec().encode(deep)
    while deep:  # taken apart step by step: freeing it at once recurses
        deep = deep.pop()


def test_class_of_the_user_named_in_a_pickle_is_the_builds():
    """A pickle that names a user class by module finds the build's, not an imported one."""
    report, code = named("type('Report', (), {'__module__': 'user_code'})", "Report")
    unpickler = pickles.Unpickler(io.BytesIO(), code, Secrets({}), None)
    assert unpickler.find_class("user_code", "Report") is report


def test_part_that_is_named_is_one_that_would_travel():
    """What a class leaves out is not to blame."""

    class Response:
        def __init__(self):
            self.raw = threading.Lock()
            self.hook = threading.Lock()

        def __getstate__(self):
            return {"hook": self.hook}

    assert pickles.state_names(Response()) == {"hook"}
    assert [step for step, _ in pickles.parts_of(Response())] == [".hook"]


def test_what_cannot_be_pickled_is_looked_for_when_somebody_asks(monkeypatch):
    """A call on a client that stays here asks nobody: looking through a large one takes seconds each time."""
    asked: list[object] = []
    real = pickles.locate

    def locate(value, *rest):
        asked.append(value)
        return real(value, *rest)

    monkeypatch.setattr(pickles, "locate", locate)
    client = {"parts": [1, {"lock": threading.Lock()}]}
    with pytest.raises(UnpicklableError) as alone:
        codec().encode(client)
    with pytest.raises(UnpicklableError) as given:
        codec().encode_call((1, client), {"name": "x"})
    assert asked == []
    assert alone.value.message == "its ['parts'][1]['lock'] is a _thread.lock, which cannot be pickled"
    assert given.value.message == f"argument 2: {alone.value.message}"
    assert len(asked) == 2


def test_the_error_travels_with_what_it_found():
    """And with what belongs to it."""
    error = UnpicklableError("short", finding=lambda: "its x is a lock")
    error.where = "main.py:3"
    again = pickle.loads(pickle.dumps(error))
    assert (again.message, again.where, again.code) == ("its x is a lock", "main.py:3", "AK1403")
    assert str(again) == "main.py:3: its x is a lock"
    assert UnpicklableError("short", finding=lambda: None).message == "short"
