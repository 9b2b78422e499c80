"""Signed texts: what we did not sign, or not for this purpose, is refused before anything of it is read."""

from __future__ import annotations

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.codecs import KEYS, codec
from worker.errors import TamperedError
from worker.payload import signing
from worker.payload.signing import Signer, derive_entropy, derive_keys


@given(st.binary(max_size=3000), st.text(max_size=20))
def test_signed_data_reads_back(data, context):
    """Data of any size, compressed or not, comes back as it was."""
    assert Signer(KEYS).verify(Signer(KEYS).sign(data, context), context) == data


@given(st.binary(max_size=3000), st.data())
def test_changed_character_is_refused(data, draw):
    """No character of a signed text can be changed."""
    text = Signer(KEYS).sign(data, "value")
    position = draw.draw(st.integers(0, len(text) - 1))
    other = draw.draw(st.characters(codec="ascii").filter(lambda c: c != text[position]))
    with pytest.raises(TamperedError):
        Signer(KEYS).verify(text[:position] + other + text[position + 1 :], "value")


@given(st.binary(max_size=100), st.data())
def test_shortened_or_lengthened_text_is_refused(data, draw):
    """Nothing can be cut off or put in."""
    text = Signer(KEYS).sign(data, "value")
    position = draw.draw(st.integers(0, len(text) - 1))
    more = draw.draw(st.text(min_size=1, max_size=3))
    for changed in (text[:position], text[:position] + text[position + 1 :], text + more):
        with pytest.raises(TamperedError):
            Signer(KEYS).verify(changed, "value")


@pytest.mark.parametrize("text", ["", "v1", "v1.x.y.z", "v2.a.b.c", None, 3, "v1." + "é" * 9, {"a": 1}, []])
def test_garbage_is_refused(text):
    """What is no signed text at all is refused in the same way."""
    with pytest.raises(TamperedError):
        Signer(KEYS).verify(text, "value")


@pytest.mark.parametrize("spelling", ["\n", " ", "="])
def test_other_spelling_of_the_same_bytes_is_refused(spelling):
    """Base64 that decodes to the same bytes is still not what we wrote."""
    with pytest.raises(TamperedError):
        Signer(KEYS).verify(Signer(KEYS).sign(b"abc", "value") + spelling, "value")


def test_signature_binds_project_and_purpose():
    """A payload of another project, purpose or installation is not accepted."""
    text = Signer(KEYS).sign(b"x", "p/value")
    with pytest.raises(TamperedError):
        Signer(KEYS).verify(text, "q/value")
    for keys in (derive_keys(b"k" * 32, "q"), derive_keys(b"l" * 32, "p")):
        with pytest.raises(TamperedError):
            Signer(keys).verify(text, "p/value")


def test_key_id_of_another_key_does_not_help():
    """A key that pretends to be ours by its id makes signatures that we refuse."""
    forged = Signer(dict.fromkeys(KEYS, b"x" * 32)).sign(b"x", "c")
    with pytest.raises(TamperedError):
        Signer(KEYS).verify(forged, "c")


def test_forged_payload_is_not_decompressed(monkeypatch):
    """The signature is looked at before the content."""
    text = Signer(derive_keys(b"x" * 32, "p")).sign(b"x" * 5000, "c")
    head, _, mac, body = text.split(".")
    monkeypatch.setattr(zlib, "decompressobj", lambda: pytest.fail("it was decompressed"))
    with pytest.raises(TamperedError):
        Signer(KEYS).verify(".".join((head, next(iter(KEYS)), mac, body)), "c")


def test_unsigned_pickle_is_never_unpickled():
    """A forged envelope does not run anything."""
    forged = {
        "preview": "x",
        "pickle": "v1.00000000.AAAA.gASVHgAAAAAAAACMCGJ1aWx0aW5zlIwEZXZhbJSTlIwCMSuUhZRSlC4=",
    }
    with pytest.raises(TamperedError):
        codec().decode(forged)


def test_bomb_is_refused(monkeypatch):
    """Data that grows over the limit when it is unpacked is refused."""
    monkeypatch.setattr(signing, "DECOMPRESSED_LIMIT_BYTES", 10_000)
    with pytest.raises(TamperedError, match="too large"):
        Signer(KEYS).verify(Signer(KEYS).sign(b"x" * 100_000, "c"), "c")


def test_keys_rotate():
    """The first key signs, all verify."""
    old = Signer(KEYS).sign(b"x", "c")
    new = {"11111111": b"n" * 32, **KEYS}
    assert Signer(new).verify(old, "c") == b"x"
    assert Signer(new).sign(b"x", "c").startswith("v1.11111111.")


def test_entropy_is_of_the_key():
    """Unpredictable numbers differ by project and installation, and are no key themselves."""
    made = [derive_entropy(Signer(derive_keys(key, name))) for key in (b"a" * 32, b"b" * 32) for name in "pq"]
    assert len(set(made)) == 4
    assert derive_entropy(Signer(KEYS)) not in KEYS.values()
