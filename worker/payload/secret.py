"""Keep secret values out of payloads: where one stands in a text, its name travels instead.

``Authorization: Bearer abc123`` becomes ``Bearer `` + the secret named TOKEN, filled in again on the other side from
that side's own secrets. Programs pass tokens as arguments all the time; they must work, and the token must not be in
the history.

The directory of the build travels by name as well: another machine has it somewhere else.

The values may be told anew while the process runs. What was a secret stays one: a session may still hold the old text,
and it travels by the same name, so that the other side fills in the new one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from worker import masking
from worker.masking import Finder, Mask


class Secrets:
    """The secret values of a project, by name, and where its build is.

    Threads may ask while another one tells new values.
    """

    def __init__(self, values: Mapping[str, str], directory: str = "") -> None:
        self._directory = directory
        self._table = _Table({}, {}, Mask())
        self.tell(values)

    def tell(self, values: Mapping[str, str], *, also: Mapping[str, str] | None = None) -> None:
        """Fill in these values from now on; hide and name those of ``also`` as well, and all that came before."""
        before = self._table
        self._table = _Table(dict(values), before.texts, before.mask, also or {})

    def __bool__(self) -> bool:
        """Whether there is anything to replace."""
        return bool(self._table.finder) or bool(self._directory)

    def split(self, text: str) -> list[Any] | None:
        """The text in parts, each secret as ``{"var": NAME}``, the build as ``{"build": ""}``; None when it holds none.

        A secret in another form than its own is ``{"var": NAME, "form": "url"}``.
        """
        table = self._table
        placed = bool(self._directory) and self._directory in text
        pattern = table.finder.pattern_for(text)
        if pattern is None and not placed:
            return None
        parts = _split_secrets(text, pattern, table) if pattern is not None else [text]
        return [piece for part in parts for piece in self._split_directory(part)] if placed else parts

    def _split_directory(self, part: Any) -> list[Any]:
        if not isinstance(part, str):
            return [part]
        pieces: list[Any] = []
        for number, text in enumerate(part.split(self._directory)):
            pieces += ([{"build": ""}] if number else []) + ([text] if text else [])
        return pieces

    def join(self, parts: list[Any]) -> str:
        """The text again; a secret that is gone is an empty text."""
        return "".join(part if isinstance(part, str) else self._named(part) for part in parts)

    def _named(self, part: dict[str, str]) -> str:
        if "build" in part:
            return self._directory or "."
        return masking.form_of(self._table.values.get(part["var"], ""), part.get("form", ""))

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
        return self._table.mask(text)

    def standing_in(self, text: str) -> set[str]:
        """The secrets that stand in a text, each as it is and as it stands there."""
        table = self._table
        pattern = table.finder.pattern_for(text)
        found: set[str] = set()
        for match in pattern.finditer(text) if pattern is not None else ():
            found |= {match.group(), table.values.get(table.texts[match.group()][0], "")}
        return found - {""}

    def found_in(self, data: bytes) -> str | None:
        """The name of a secret that stands in these bytes as it is."""
        table = self._table
        found = table.plain_bytes.search(data) if table.plain_bytes is not None else None
        return table.texts[found.group().decode("utf-8", "surrogatepass")][0] if found else None


def _split_secrets(text: str, pattern: re.Pattern[str], table: _Table) -> list[Any]:
    parts: list[Any] = []
    position = 0
    for found in pattern.finditer(text):
        if found.start() > position:
            parts.append(text[position : found.start()])
        name, form = table.texts[found.group()]
        parts.append({"var": name, "form": form} if form else {"var": name})
        position = found.end()
    if position < len(text):
        parts.append(text[position:])
    return parts


class _Table:
    """What is known at one moment; replaced as a whole."""

    def __init__(
        self,
        values: dict[str, str],
        texts: Mapping[str, tuple[str, str]],
        mask: Mask,
        also: Mapping[str, str] | None = None,
    ) -> None:
        self.values = values
        self.texts = dict(texts)
        usable = [
            item for known in (also or {}, values) for item in known.items() if not masking.too_short(item[1])
        ]
        for name, value in usable:
            self.texts |= {text: (name, form) for text, form in masking.forms(value).items() if form}
        self.texts |= {value: (name, "") for name, value in usable}  # a value as it is outdoes another's form
        self.mask = mask.adding([*values.values(), *(also or {}).values()])
        self.finder = Finder(self.texts)
        plain = sorted((text for text, (_, form) in self.texts.items() if not form), key=len, reverse=True)
        self.plain_bytes = (
            re.compile(b"|".join(re.escape(text.encode("utf-8", "surrogatepass")) for text in plain))
            if plain
            else None
        )
