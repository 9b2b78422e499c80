"""The user's source lines, read from the build that the session ran."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable, Iterable, Iterator

_MAX_FILE_BYTES = 2 * 1024 * 1024


class Sources:
    """Lines of the files of one build; the archive is read once for all files that are wanted."""

    def __init__(self, content: bytes | None) -> None:
        self._content = content
        self._lines: dict[str, list[str]] = {}

    def want(self, places: Iterable[str]) -> None:
        """Read the files of these places (``main.py:41``)."""
        names = {place.rpartition(":")[0] for place in places} - self._lines.keys() - {""}
        if not names or self._content is None:
            return
        self._lines |= {name: [] for name in names}
        for name, text in _files(self._content, names.__contains__):
            self._lines[name] = text.decode("utf-8", "replace").splitlines()

    def line(self, place: str) -> str:
        """The text of a place, without indentation; empty when it is not known."""
        name, _, number = place.rpartition(":")
        lines = self._lines.get(name, [])
        if not number.isdecimal() or not 0 < int(number) <= len(lines):
            return ""
        return lines[int(number) - 1].strip()


def files_of(content: bytes, suffix: str) -> Iterator[tuple[str, bytes]]:
    """The files of a build whose names end so."""
    return _files(content, lambda name: name.endswith(suffix))


def _files(content: bytes, wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    try:
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as archive:
            for member in archive:
                if wanted(member.name) and member.isfile() and member.size <= _MAX_FILE_BYTES:
                    file = archive.extractfile(member)
                    if file is not None:
                        yield member.name, file.read()
    except (tarfile.TarError, OSError, EOFError):
        return  # a story without source lines is better than none
