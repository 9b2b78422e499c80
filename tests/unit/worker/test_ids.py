"""Identifiers: their form, and which ones are equal."""

from __future__ import annotations

import hashlib
import re

from hypothesis import given
from hypothesis import strategies as st

from worker import ids

DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"


def number(text):
    """The number that 26 digits stand for."""
    value = 0
    for digit in text:
        value = value * 32 + DIGITS.index(digit)
    return value


def test_new_ids_are_of_one_form_and_differ():
    """A kind, an underscore and 26 digits without letters that look like others."""
    found = {ids.new("evt") for _ in range(100)}
    assert len(found) == 100
    assert all(re.fullmatch(f"evt_[0-7][{DIGITS}]{{25}}", item) for item in found)


@given(st.lists(st.text(max_size=10), max_size=4))
def test_derived_ids_are_the_first_half_of_a_hash(parts):
    """The digits are 128 bits of SHA-256 over the parts, the same in every release."""
    expected = hashlib.sha256("\0".join(parts).encode()).digest()[:16]
    kind, digits = ids.derived("ses", *parts).split("_")
    assert (kind, number(digits).to_bytes(16, "big")) == ("ses", expected)


def test_derived_ids_depend_on_where_parts_end():
    """Parts are kept apart."""
    assert ids.derived("ses", "a", "bc") != ids.derived("ses", "ab", "c")


def test_derived_id_is_written_down():
    """Deliveries of earlier releases must be found under their ids."""
    assert ids.derived("ses", "evt_1", "trigger") == "ses_50j0heq5wxcxagj484b1ybq7m8"


def test_slugs_are_random_and_fit_a_url():
    """128 random bits of lower-case letters and digits."""
    assert ids.slug() != ids.slug()
    assert re.fullmatch(f"[{DIGITS}]{{26}}", ids.slug())
