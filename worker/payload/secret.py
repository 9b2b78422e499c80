"""Keep secret values out of payloads: where one stands in a text, its name travels instead.

``Authorization: Bearer abc123`` becomes ``Bearer `` + the secret named TOKEN, filled in again on the other side from
that side's own secrets. Programs pass tokens as arguments all the time; they must work, and the token must not be in
the history.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

MINIMUM_CHARACTERS = 6  # shorter values would hit ordinary words
HIDDEN = "••••••"


class Secrets:
    """The secret values of a project, by name."""

    def __init__(self, values: Mapping[str, str]) -> None:
        usable = {value: name for name, value in values.items() if len(value) >= MINIMUM_CHARACTERS}
        self._names = usable
        self._values = {name: value for value, name in usable.items()}
        longest_first = sorted(usable, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest_first))) if usable else None
        self._bytes_pattern = (
            re.compile(b"|".join(re.escape(value.encode()) for value in longest_first)) if usable else None
        )

    def __bool__(self) -> bool:
        """Whether there is anything to hide."""
        return self._pattern is not None

    def split(self, text: str) -> list[Any] | None:
        """The text in parts, each secret as ``{"var": NAME}``; None when it holds no secret."""
        if self._pattern is None or not self._pattern.search(text):
            return None
        parts: list[Any] = []
        position = 0
        for found in self._pattern.finditer(text):
            if found.start() > position:
                parts.append(text[position : found.start()])
            parts.append({"var": self._names[found.group()]})
            position = found.end()
        if position < len(text):
            parts.append(text[position:])
        return parts

    def join(self, parts: list[Any]) -> str:
        """The text again; a secret that is gone is an empty text."""
        return "".join(part if isinstance(part, str) else self._values.get(part["var"], "") for part in parts)

    def mask(self, text: str) -> str:
        """The text with every secret hidden."""
        return self._pattern.sub(HIDDEN, text) if self._pattern is not None else text

    def found_in(self, data: bytes) -> str | None:
        """The name of a secret that stands in these bytes."""
        if self._bytes_pattern is None:
            return None
        found = self._bytes_pattern.search(data)
        return self._names[found.group().decode()] if found else None
