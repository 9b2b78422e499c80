"""Keep secret values out of payloads: where one stands in a text, its name travels instead.

``Authorization: Bearer abc123`` becomes ``Bearer `` + the secret named TOKEN, filled in again on the other side from
that side's own secrets. Programs pass tokens as arguments all the time; they must work, and the token must not be in
the history.

The directory of the build travels by name as well: another machine has it somewhere else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

MINIMUM_CHARACTERS = 6  # shorter values would hit ordinary words
HIDDEN = "••••••"


class Secrets:
    """The secret values of a project, by name, and where its build is."""

    def __init__(self, values: Mapping[str, str], directory: str = "") -> None:
        self._directory = directory
        usable = {value: name for name, value in values.items() if len(value) >= MINIMUM_CHARACTERS}
        self._names = usable
        self._values = {name: value for value, name in usable.items()}
        longest_first = sorted(usable, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest_first))) if usable else None
        self._bytes_pattern = (
            re.compile(b"|".join(re.escape(value.encode()) for value in longest_first)) if usable else None
        )

    def __bool__(self) -> bool:
        """Whether there is anything to replace."""
        return self._pattern is not None or bool(self._directory)

    def split(self, text: str) -> list[Any] | None:
        """The text in parts, each secret as ``{"var": NAME}``, the build as ``{"build": ""}``; None when it holds none."""
        placed = bool(self._directory) and self._directory in text
        if not placed and (self._pattern is None or not self._pattern.search(text)):
            return None
        parts = self._split_secrets(text)
        return [piece for part in parts for piece in self._split_directory(part)] if placed else parts

    def _split_directory(self, part: Any) -> list[Any]:
        if not isinstance(part, str):
            return [part]
        pieces: list[Any] = []
        for number, text in enumerate(part.split(self._directory)):
            pieces += ([{"build": ""}] if number else []) + ([text] if text else [])
        return pieces

    def _split_secrets(self, text: str) -> list[Any]:
        if self._pattern is None:
            return [text]
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
        return "".join(part if isinstance(part, str) else self._named(part) for part in parts)

    def _named(self, part: dict[str, str]) -> str:
        return (self._directory or ".") if "build" in part else self._values.get(part["var"], "")

    def below(self, path: PurePath) -> str | None:
        """A path inside the build, relative to it."""
        return (
            path.relative_to(self._directory).as_posix()
            if self._directory and path.is_relative_to(self._directory)
            else None
        )

    def inside(self, relative: str) -> str:
        """The path inside the build, as it is here."""
        return f"{self._directory or '.'}/{relative}"

    def shown(self, text: str) -> str:
        """The text as a person may read it: secrets hidden, paths inside the build relative."""
        return self.mask(text.replace(self._directory, ".") if self._directory else text)

    def mask(self, text: str) -> str:
        """The text with every secret hidden."""
        return self._pattern.sub(HIDDEN, text) if self._pattern is not None else text

    def found_in(self, data: bytes) -> str | None:
        """The name of a secret that stands in these bytes."""
        if self._bytes_pattern is None:
            return None
        found = self._bytes_pattern.search(data)
        return self._names[found.group().decode()] if found else None
