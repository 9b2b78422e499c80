"""Values as JSON: equal when they come back, readable where JSON is exact."""

from __future__ import annotations

import collections
import datetime as dt
import itertools
import json

import pytest
from hypothesis import given

from autokitteh.attr_dict import AttrDict
from tests.helpers.codecs import codec, round_trip, sent
from tests.helpers.strategies import ANYTHING, JSON_LIKE, READABLE
from worker.payload.codec import is_envelope, materialise, materialise_result
from worker.payload.errors import TooLargeError


@given(ANYTHING)
def test_codec_gives_back_what_it_was_given(value):
    """Values of any kind come back equal and of their types."""
    found = round_trip(value)
    assert found == value
    assert type(found) is type(value)


@given(JSON_LIKE)
def test_json_comes_back_to_the_character(value):
    """Order, signs of zero and lone surrogates of what looks like JSON survive."""
    assert repr(round_trip(value)) == repr(value)


@given(READABLE)
def test_json_stays_readable(value):
    """What JSON holds exactly stands in the history as it is."""
    assert codec().encode(value) == value


@given(ANYTHING)
def test_encoding_twice_nests(value):
    """An encoded value is a value as well, and never taken for the one inside it."""
    made = codec()
    tree = made.encode(value)
    assert made.decode(made.encode(tree)) == tree


@pytest.mark.parametrize(
    "value",
    [
        {"preview": 1, "pickle": 2},
        {"preview": "x", "secret": [{"var": "TOKEN"}]},
        {"preview": {}, "escaped": {}},
        {"pickle": "v1.a.b.c"},
        {"preview": "x", "escaped": {"preview": "x", "pickle": "v1"}},
        -0.0,
        float("inf"),
        "\ud800",
        {"\ud800": 1},
        2**100,
        {1, 2},
        (1, (2,)),
        dt.timedelta(1),
        collections.OrderedDict(b=1, a=2),
    ],
    ids=repr,
)
def test_codec_bears_what_looks_like_its_own(value):
    """Look-alikes of envelopes and awkward values survive."""
    assert repr(round_trip(value, codec(TOKEN="hunter22"))) == repr(value)


def test_integer_of_many_digits_crosses():
    """Integers too long to be written as text cross as well."""
    assert round_trip({"n": 10**5000}) == {"n": 10**5000}


def test_kinds_that_equal_plain_ones_keep_their_kind():
    """A subclass of a plain type is not mistaken for it."""
    point = collections.namedtuple("point", "x y")  # noqa: PYI024
    point.__module__, globals()["point"] = __name__, point
    assert type(round_trip(collections.Counter("aa"))) is collections.Counter
    assert [type(item) for item in round_trip([True, 1, 1.0])] == [bool, int, float]


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
    args, kwargs, by_path = made.decode_call(
        made.encode_call((shared, dt.date(2026, 1, 2)), {"again": shared})
    )
    assert args[0] is kwargs["again"]
    assert by_path is False
    assert made.encode_call(("a", 1), {"b": None}) == {"args": ["a", 1], "kwargs": {"b": None}}


@given(ANYTHING, ANYTHING)
def test_arguments_come_back(one, other):
    """Positional and named arguments come back, alone or together."""
    made = codec()
    tree = json.loads(sent(made.encode_call((one, other), {"named": one})))
    assert made.decode_call(tree)[:2] == ((one, other), {"named": one})


def test_pickled_arguments_stay_readable_beside_the_pickle():
    """Who looks at the history sees each argument: plain ones as they are, others in a few words."""
    tree = codec().encode_call(({"a": 1}, dt.date(2026, 1, 2)), {"k": (1,)})
    assert tree["preview"] == [{"a": 1}, "datetime.date(2026, 1, 2)"]
    assert tree["preview_kwargs"] == {"k": "(1,)"}


def test_an_events_data_stay_readable_as_json():
    """What ``event.data`` holds is a dictionary for who looks at a history or a result, alone and inside of others."""
    order = AttrDict({"id": 7, "lines": [AttrDict({"sku": "tea"})]})
    plain = {"id": 7, "lines": [{"sku": "tea"}]}
    assert codec().encode_call((order,), {})["preview"] == [plain]
    kept = codec().encode({"order": order})
    assert kept["preview"] == {"order": plain}
    assert type(codec().decode(kept)["order"]) is AttrDict
    assert type(codec().encode(AttrDict({"text": "x" * 2000}))["preview"]) is str


def test_only_two_keys_make_an_envelope():
    """A dictionary with more than an envelope has is the user's."""
    assert is_envelope({"preview": "x", "pickle": "y"})
    assert not is_envelope({"preview": "x", "pickle": "y", "z": 1})


def test_large_values_are_refused_with_figures():
    """The size and the limit stand in the error."""
    with pytest.raises(TooLargeError, match=r"40,000,\d+ bytes of arguments, 33,554,432 are allowed"):
        codec().encode_call(("x" * 40_000_000,), {})


def test_lazy_values_are_read():
    """Generators become lists before they travel; endless ones are refused."""
    assert materialise(((i for i in range(3)), "x"), {"k": map(str, [1])}) == (([0, 1, 2], "x"), {"k": ["1"]})
    assert materialise_result({"a": 1}.items()) == [("a", 1)]
    with pytest.raises(TooLargeError):
        materialise_result((0 for _ in itertools.count()), limit=10)
