"""Hide secret values in text: as they are, and in the forms they take in JSON, in URLs and in base64.

``Authorization: Basic …`` holds a password just as readable as the password itself, so the forms count as the value.
In base64 the first and last characters depend on what stands beside the secret; the core in between does not.

Never: anything but text in, text out; who knows the secrets is somebody else.
"""

from __future__ import annotations

import base64
import functools
import json
import re
import urllib.parse
from collections.abc import Callable, Iterable

MINIMUM_CHARACTERS = 6  # shorter values would hit ordinary words
HIDDEN = "••••••"
_CORE_CHARACTERS = 8  # a shorter piece of base64 could be anything
_LINE_CHARACTERS = 16  # lines of a secret of several lines that count as secret on their own
_SCAN_CHARACTERS = 2_000  # longer texts are searched for each form first: that is quicker than the pattern


def _core(value: str, shift: int, encode: Callable[[bytes], bytes]) -> str:
    """What every base64 text holds in which the value begins ``shift`` bytes after a multiple of three."""
    data = value.encode("utf-8", "surrogatepass")
    whole = encode(b"\0" * shift + data).decode().rstrip("=")
    first = -(-shift * 8 // 6)
    last = (shift + len(data)) * 8 // 6
    return whole[first:last]


FORMS: dict[str, Callable[[str], str]] = {
    "": lambda value: value,
    "json": lambda value: json.dumps(value)[1:-1],
    "json-utf8": lambda value: json.dumps(value, ensure_ascii=False)[1:-1],
    "url": lambda value: urllib.parse.quote(value, safe=""),
    "form": urllib.parse.quote_plus,
    "path": urllib.parse.quote,
    **{f"base64.{n}": functools.partial(_core, shift=n, encode=base64.b64encode) for n in range(3)},
    **{
        f"base64url.{n}": functools.partial(_core, shift=n, encode=base64.urlsafe_b64encode) for n in range(3)
    },
}


def form_of(value: str, form: str) -> str:
    """The value in one of its forms."""
    return FORMS[form](value)


def forms(value: str) -> dict[str, str]:
    """The texts that give the value away, and the name of the form of each."""
    found: dict[str, str] = {}
    for name in FORMS:
        try:
            text = form_of(value, name)
        except UnicodeEncodeError:  # a lone surrogate: no URL and no base64 has it
            continue
        if len(text) >= (_CORE_CHARACTERS if name.startswith("base64") else MINIMUM_CHARACTERS):
            found.setdefault(text, name)
    return found


def too_short(value: str) -> bool:
    """Whether a secret cannot be hidden: it is so short that ordinary words contain it."""
    return len(value) < MINIMUM_CHARACTERS


class Finder:
    """Finds any of a set of texts; the longest wins."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._texts = sorted(set(texts), key=len, reverse=True)
        self.pattern = re.compile("|".join(map(re.escape, self._texts))) if self._texts else None

    def __bool__(self) -> bool:
        """Whether there is anything to find."""
        return self.pattern is not None

    def pattern_for(self, text: str) -> re.Pattern[str] | None:
        """The pattern, when one of the texts stands in this one."""
        if self.pattern is None:
            return None
        if len(text) > _SCAN_CHARACTERS:
            return self.pattern if any(known in text for known in self._texts) else None
        return self.pattern if self.pattern.search(text) else None


class Mask:
    """Replaces secrets in text; never changes, ``adding`` makes another."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        self.values = frozenset(value for value in values if not too_short(value))
        texts: set[str] = set()
        for value in self.values:
            texts |= forms(value).keys() | {repr(value)[1:-1]}
            if "\n" in value:
                texts |= {
                    line for line in map(str.strip, value.splitlines()) if len(line) >= _LINE_CHARACTERS
                }
        self._finder = Finder(texts)

    def __call__(self, text: str) -> str:
        """The text with every secret hidden."""
        pattern = self._finder.pattern_for(text)
        return pattern.sub(HIDDEN, text) if pattern is not None else text

    def adding(self, values: Iterable[str]) -> Mask:
        """A mask that hides these as well."""
        more = frozenset(values)
        return self if more <= self.values else Mask(self.values | more)
