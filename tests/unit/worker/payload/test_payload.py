"""Values across boundaries: equal when they come back, refused when they are not ours, free of secrets."""

from __future__ import annotations

import datetime as dt
import decimal
import json
import threading
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.errors import PayloadError, TamperedError
from worker.payload import exceptions, preview
from worker.payload.codec import Codec, materialise, materialise_result
from worker.payload.converter import PlainJson, data_converter
from worker.payload.errors import SecretLeakError, TooLargeError, UnpicklableError
from worker.payload.graft import Snapshot, graft
from worker.payload.signing import Signer, derive_keys

KEYS = derive_keys(b"k" * 32, "p")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
ANYTHING = st.recursive(
    JSON
    | st.binary()
    | st.datetimes()
    | st.uuids()
    | st.decimals(allow_nan=False)
    | st.complex_numbers(allow_nan=False),
    lambda inner: (
        st.tuples(inner, inner)
        | st.dictionaries(st.integers(), inner, max_size=3)
        | st.lists(inner, max_size=3)
    ),
    max_leaves=8,
)


class NoReferences:
    """A project without code."""

    def reference(self, obj):
        """Nothing has a path."""

    def resolve(self, path):
        """Nothing is anywhere."""
        raise KeyError(path)

    def is_user_module(self, name):
        """Nothing is the user's but what pretends to be."""
        return name == "user_code"


def codec(**secrets: str) -> Codec:
    """A codec of a project with these secrets."""
    return Codec(Signer(KEYS), NoReferences(), secrets=secrets, project="p")


def round_trip(value, **secrets):
    """The value after it crossed as real JSON text."""
    made = codec(**secrets)
    return made.decode(json.loads(json.dumps(made.encode(value), allow_nan=False)))


@given(ANYTHING)
def test_codec_gives_back_what_it_was_given(value):
    """Values of any kind come back equal and of their type."""
    found = round_trip(value)
    assert found == value
    assert repr(found) == repr(value)


PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(min_value=0.5, allow_infinity=False)
    | st.text("abcü"),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text("xyz", max_size=3), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(PLAIN)
def test_json_stays_readable(value):
    """What JSON holds exactly stands in the history as it is."""
    assert codec().encode(value) == value


@pytest.mark.parametrize(
    "value",
    [
        {"preview": 1, "pickle": 2},
        {"preview": "x", "secret": []},
        {"preview": {}, "escaped": {}},
        {"pickle": "v1.a.b.c"},
        -0.0,
        float("inf"),
        "\ud800",
        2**100,
        {1, 2},
        (1, (2,)),
        dt.timedelta(1),
    ],
    ids=repr,
)
def test_codec_bears_what_looks_like_its_own(value):
    """Look-alikes of envelopes and awkward values survive."""
    assert repr(round_trip(value)) == repr(value)


def test_aliases_and_cycles_survive():
    """One list in two places stays one list; a list may hold itself."""
    shared = [1]
    found = round_trip({"a": shared, "b": shared})
    assert found["a"] is found["b"]
    loop: list = []
    loop.append(loop)
    found = round_trip(loop)
    assert found[0] is found


def test_arguments_that_share_objects_go_together():
    """Aliasing across arguments survives, and plain arguments stay readable."""
    shared = [1]
    made = codec()
    args, kwargs, _ = made.decode_call(made.encode_call((shared, dt.date(2026, 1, 2)), {"again": shared}))
    assert args[0] is kwargs["again"]
    assert made.encode_call(("a", 1), {"b": None}) == {"args": ["a", 1], "kwargs": {"b": None}}


@given(st.binary(max_size=3000), st.data())
def test_changed_signed_text_is_refused(data, draw):
    """No character of a signed text can be changed."""
    signer = Signer(KEYS)
    text = signer.sign(data, "value")
    assert signer.verify(text, "value") == data
    position = draw.draw(st.integers(0, len(text) - 1))
    other = draw.draw(st.characters(codec="ascii").filter(lambda c: c != text[position]))
    with pytest.raises(TamperedError):
        signer.verify(text[:position] + other + text[position + 1 :], "value")


@pytest.mark.parametrize("text", ["", "v1", "v1.x.y.z", "v2.a.b.c", None, 3, "v1." + "é" * 9])
def test_garbage_is_refused(text):
    """What is no signed text at all is refused in the same way."""
    with pytest.raises(TamperedError):
        Signer(KEYS).verify(text, "value")


def test_signature_binds_project_and_purpose():
    """A payload of another project or purpose is not accepted."""
    text = Signer(KEYS).sign(b"x", "p/value")
    with pytest.raises(TamperedError):
        Signer(KEYS).verify(text, "q/value")
    with pytest.raises(TamperedError):
        Signer(derive_keys(b"k" * 32, "q")).verify(text, "p/value")


def test_unsigned_pickle_is_never_unpickled():
    """A forged envelope does not run anything."""
    forged = {
        "preview": "x",
        "pickle": "v1.00000000.AAAA.gASVHgAAAAAAAACMCGJ1aWx0aW5zlIwEZXZhbJSTlIwCMSuUhZRSlC4=",
    }
    with pytest.raises(TamperedError):
        codec().decode(forged)


def test_keys_rotate():
    """The first key signs, all verify."""
    old = Signer(KEYS).sign(b"x", "c")
    new = {"11111111": b"n" * 32, **KEYS}
    assert Signer(new).verify(old, "c") == b"x"
    assert Signer(new).sign(b"x", "c").startswith("v1.11111111.")


@pytest.mark.parametrize(
    "value",
    [
        "Bearer hunter22",
        {"a": ["x hunter22 y"]},
        b"\x00hunter22\xff",
        ("hunter22", 1),
        {"hunter22": 1},
        [dt.date.min, "hunter22"],
    ],
    ids=repr,
)
def test_secrets_travel_by_name(value):
    """A secret's value is nowhere in what is sent, and is back on the other side."""
    made = codec(TOKEN="hunter22")
    tree = made.encode(value)
    assert "hunter22" not in json.dumps(tree)
    assert made.decode(tree) == value


def test_secret_that_cannot_be_replaced_is_an_error():
    """What would show a secret inside opaque data is refused with the secret's name."""
    with pytest.raises(SecretLeakError, match="TOKEN"):
        codec(TOKEN="hunter22").encode([dt.date.min, bytearray(b"x hunter22")])


def test_lock_is_named_with_its_place():
    """The error says which part of the value cannot travel."""
    with pytest.raises(UnpicklableError, match=r"its \['a'\]\[1\] is a _thread.lock"):
        codec().encode({"a": [1, threading.Lock()]})


def test_user_lambda_is_refused_with_its_place():
    """A function of the user's without a name cannot travel."""
    function = eval("lambda: 1", {"__name__": "user_code"})
    with pytest.raises(UnpicklableError, match="a lambda from <string>:1"):
        codec().encode_call((1, function), {})


def test_large_values_are_refused_with_figures():
    """The size and the limit stand in the error."""
    with pytest.raises(TooLargeError, match="1,500,000"):
        codec().encode_call(("x" * 2_000_000,), {})


def test_lazy_values_are_read():
    """Generators become lists before they travel; endless ones are refused."""
    assert materialise(((i for i in range(3)), "x"), {"k": map(str, [1])}) == (([0, 1, 2], "x"), {"k": ["1"]})
    with pytest.raises(TooLargeError):
        materialise_result((0 for _ in iter(int, 1)), limit=10)


def test_changes_are_applied_in_place():
    """Content, order, aliases and attributes of the caller's objects are what the call made of them."""

    class Box:
        """Holds something."""

        def __init__(self) -> None:
            self.inner = [1]
            self.lock = "not shipped"

    made = codec()
    first, second = {"n": 1}, {"n": 2}
    rows, group, box = [first, second], {1}, Box()
    theirs = Snapshot((rows, group, box), {})
    copy_rows, copy_group = made.decode(made.encode([rows, group]))
    copy_box = Box()
    before = Snapshot((copy_rows, copy_group, copy_box), {})
    copy_rows.reverse()
    copy_rows[0]["m"] = 3
    copy_group.add(2)
    copy_box.inner.append(2)
    copy_box.extra = 5
    inner = box.inner
    assert theirs.apply(before.changes(made), made) == []
    assert rows == [{"n": 2, "m": 3}, {"n": 1}]
    assert rows[0] is second
    assert (group, box.inner, box.extra, box.lock) == ({1, 2}, [1, 2], 5, "not shipped")
    assert box.inner is inner


def test_nothing_changed_sends_nothing():
    """A call that only reads costs no change."""
    assert Snapshot(([1, {"a": (2,)}],), {"k": {3}}).changes(codec()) == {}


def test_graft_keeps_identity():
    """New content goes into the old object where both are of one kind."""
    old = [1]
    assert graft(old, [2]) is old
    assert old == [2]
    assert graft([1], "x") == "x"


class CustomError(Exception):
    """An error with a constructor of its own."""

    def __init__(self, response, *, code):
        super().__init__(f"custom {response}")
        self.response = response
        self.code = code
        self.lock = threading.Lock()


def crossed(error: BaseException) -> BaseException:
    """The exception after it crossed."""
    made = codec()
    return exceptions.decode_exception(
        json.loads(json.dumps(exceptions.encode_exception(error, made, lambda _e: []))), made
    )


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
        UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"),
        KeyError("a"),
        StopIteration(3),
        SystemExit(2),
    ],
    ids=repr,
)
def test_builtin_exceptions_cross(error):
    """Errors of Python's own come back with their details."""
    found = crossed(error)
    assert type(found) is type(error)
    assert (found.args, str(found)) == (error.args, str(error))
    for name in ("errno", "filename", "start", "code", "value"):
        assert getattr(found, name, None) == getattr(error, name, None)


def test_cause_and_unknown_type_cross():
    """The chain survives; an unknown type becomes a class of its name under its known base."""
    local = type("Elsewhere", (ValueError,), {"__module__": "no_such_module"})
    error = local("x")
    error.__cause__ = KeyError("why")
    found = crossed(error)
    assert (type(found).__name__, isinstance(found, ValueError)) == ("Elsewhere", True)
    assert isinstance(found.__cause__, KeyError)


def test_preview_never_runs_the_users_repr():
    """A value is described without code of its class."""

    class Loud:
        """Its repr must not be called."""

        def __repr__(self) -> str:
            raise AssertionError

    assert "Loud" in preview.preview(Loud())
    assert preview.call_preview("f", ("a",), {"n": 1}) == "f('a', n=1)"
    assert len(preview.preview("x" * 1000, 50)) <= 50


@pytest.mark.parametrize("value", [None, b"x", {"a": [1, "ü"]}, "text", 3, 1.5])
def test_converter_round_trips_plain_values(value):
    """What is JSON goes as JSON."""
    converter = data_converter().payload_converter
    assert converter.from_payloads(converter.to_payloads([value])) == [value]


@pytest.mark.parametrize(
    "value",
    [float("nan"), object(), {1}, uuid.UUID(int=1), decimal.Decimal(1)],
    ids=lambda value: type(value).__name__,
)
def test_converter_refuses_what_is_not_json(value):
    """Values of programs are encoded before they come here."""
    with pytest.raises(PayloadError):
        PlainJson().to_payload(value)
