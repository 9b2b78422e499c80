"""Secrets are hidden in every form in which programs write them."""

from __future__ import annotations

import base64
import json
import urllib.parse

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.masking import HIDDEN, Mask, form_of, forms, too_short

SECRET = 't0p s3cret/+&"ü'
PEM = "-----BEGIN KEY-----\nMIIEpAIBAAKCAQEAq7Z\nzQzQzQzQzQzQzQzQzQzQ\n-----END KEY-----"


@pytest.mark.parametrize(
    "write",
    [
        lambda text: text,
        json.dumps,
        lambda text: json.dumps(text, ensure_ascii=False),
        urllib.parse.quote,
        lambda text: urllib.parse.quote(text, safe=""),
        urllib.parse.quote_plus,
        lambda text: repr(f"{text}'"),
        lambda text: base64.b64encode(text.encode()).decode(),
        lambda text: base64.b64encode(f"me:{text}".encode()).decode(),
        lambda text: base64.urlsafe_b64encode(f"user:{text}:x".encode()).decode(),
        lambda text: base64.b64encode(f"abcd{text}".encode()).decode(),
    ],
)
def test_secret_is_hidden_however_it_is_written(write):
    """As it is, in JSON, in URLs, in base64 behind any prefix."""
    shown = Mask([SECRET])(f"before {write(SECRET)} after")
    assert shown.startswith("before ")
    assert shown.endswith(" after")
    assert HIDDEN in shown
    assert SECRET not in shown
    assert [text for text in forms(SECRET) if text in shown] == []


def test_lines_of_a_long_secret_are_hidden_alone():
    """A key that is printed line by line shows none of its long lines; short ones are ordinary text."""
    mask = Mask([PEM])
    assert mask("x MIIEpAIBAAKCAQEAq7Z y") == f"x {HIDDEN} y"
    assert mask(PEM) == HIDDEN


def test_short_values_are_not_hidden():
    """They would hit ordinary words."""
    mask = Mask(["true", "", "12345"])
    assert mask("true 12345") == "true 12345"
    assert too_short("12345")
    assert not too_short("123456")


def test_mask_grows_and_never_forgets():
    """Adding gives a mask that hides the old and the new; adding nothing new gives the same one."""
    first = Mask(["old-token"])
    both = first.adding(["new-token"])
    assert both("old-token new-token") == f"{HIDDEN} {HIDDEN}"
    assert first("new-token") == "new-token"
    assert both.adding(["old-token"]) is both


def test_long_texts_are_hidden_too():
    """Beyond the length at which the text is scanned first."""
    text = "x" * 5000
    assert Mask(["s3cr3t-value"])(f"{text}s3cr3t-value") == f"{text}{HIDDEN}"
    assert Mask(["s3cr3t-value"])(text) == text


@given(st.text(min_size=6))
def test_every_form_is_hidden(secret):
    """Whatever the secret is, each text that gives it away is hidden as a whole."""
    mask = Mask([secret])
    for text, form in forms(secret).items():
        assert form_of(secret, form) == text
        assert mask(text) == HIDDEN
