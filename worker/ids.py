"""Identifiers: random ones, and ones derived from content so that a retry finds its first attempt."""

from __future__ import annotations

import hashlib
import secrets

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_LENGTH = 26


def _encode(number: int) -> str:
    digits = []
    for _ in range(_LENGTH):
        number, digit = divmod(number, 32)
        digits.append(_ALPHABET[digit])
    return "".join(reversed(digits))


def new(kind: str) -> str:
    """A fresh identifier such as ``evt_…``: 128 random bits."""
    return f"{kind}_{_encode(secrets.randbits(128))}"


def derived(kind: str, *parts: str) -> str:
    """The identifier that belongs to these parts, the same every time."""
    digest = hashlib.sha256("\0".join(parts).encode()).digest()
    return f"{kind}_{_encode(int.from_bytes(digest[:16], 'big'))}"


def slug() -> str:
    """A random name for a webhook's URL: it cannot be guessed."""
    return _encode(secrets.randbits(128))


def schedule(project: str, trigger: str) -> str:
    """The name of a trigger's schedule in Temporal."""
    return f"{project}:{trigger}"
