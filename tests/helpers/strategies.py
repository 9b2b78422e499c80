"""Values as programs compute them, for property tests."""

from __future__ import annotations

from hypothesis import strategies as st

_HASHABLE = st.none() | st.booleans() | st.integers() | st.text(max_size=6) | st.binary(max_size=6)

# What JSON holds exactly and the codec leaves as it is: no zero with a sign, no look-alikes of envelopes.
READABLE = st.recursive(
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

# Any text as a key, look-alikes of envelopes often, awkward numbers, lone surrogates.
_KEYS = st.sampled_from(["preview", "pickle", "secret", "escaped", "var"]) | st.text(max_size=4)
JSON_LIKE = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(st.characters(), max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_KEYS, inner, max_size=3),
    max_leaves=12,
)

ANYTHING = st.recursive(
    JSON_LIKE
    | st.binary()
    | st.datetimes()
    | st.timedeltas()
    | st.uuids()
    | st.decimals(allow_nan=False)
    | st.fractions()
    | st.complex_numbers(allow_nan=False)
    | st.frozensets(_HASHABLE, max_size=3)
    | st.sets(_HASHABLE, max_size=3),
    lambda inner: (
        st.tuples(inner, inner) | st.dictionaries(_HASHABLE, inner, max_size=3) | st.lists(inner, max_size=3)
    ),
    max_leaves=8,
)
