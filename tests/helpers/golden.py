"""Compare what a command printed with a file a reviewer can read.

What differs from run to run is replaced: identifiers by numbered ones (``dep_1``), slugs, ports, times, durations and
directories by their names. Two mentions of one identifier stay alike, so the file still shows what belongs together.
``UPDATE_GOLDEN=1 pytest …`` writes the files; look at the difference before you commit it.
"""

from __future__ import annotations

import difflib
import os
import re
from collections import defaultdict
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "acceptance" / "golden"

_NAMED = re.compile(
    r"(?<![A-Za-z0-9])(?P<kind>prj|con|trg|evt|ses|dep|run|var|sub|sig|dlv)_(?:[0-9a-f]{32}|[0-9a-z]{26})\b"
    r"|(?<![A-Za-z0-9])(?P<build>bld)_[0-9a-f]{32}\b"
    r"|(?<![A-Za-z0-9_])(?P<slug>[0-9a-hjkmnp-tv-z]{26})\b"
    r"|(?<![A-Za-z0-9])(?P<uuid>[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12})\b"
)
_PLAIN = (
    (re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)?"), "TIME"),
    (re.compile(r"\b\d\d:\d\d:\d\d(?:\.\d+)?\b"), "TIME"),
    (re.compile(r"(127\.0\.0\.1|localhost):\d+"), r"\1:PORT"),
    (re.compile(r"\b\d+(?:\.\d+)? m?s\b"), "N s"),
)


def normalised(text: str, **names: object) -> str:
    """The text without what differs from run to run.

    Args:
        text: what was printed.
        names: more to replace: ``DIR=tmp_path`` turns that directory into ``DIR``; the longest are replaced first.
    """
    for name, value in sorted(names.items(), key=lambda item: -len(str(item[1]))):
        text = text.replace(str(value), name)
    seen: dict[str, dict[str, str]] = defaultdict(dict)

    def numbered(match: re.Match[str]) -> str:
        kind = match["kind"] or match.lastgroup or ""
        kind = "bld" if kind == "build" else kind
        known = seen[kind]
        return known.setdefault(match[0], f"{kind}_{len(known) + 1}")

    text = _NAMED.sub(numbered, text)
    for pattern, word in _PLAIN:
        text = pattern.sub(word, text)
    return "\n".join(line.rstrip() for line in text.splitlines()) + "\n"


def check(text: str, name: str, *, folder: Path = FOLDER, **names: object) -> None:
    """Fail unless the text, normalised, is that of the golden file.

    Args:
        text: what was printed.
        name: the file's name without its suffix, ``deploy/first`` for one in a directory of its own.
        folder: where golden files lie.
        names: see `normalised`.
    """
    path = folder / f"{name}.txt"
    actual = normalised(text, **names)
    if os.environ.get("UPDATE_GOLDEN"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(actual)
        return
    expected = path.read_text() if path.exists() else ""
    if actual != expected:
        shown = "".join(
            difflib.unified_diff(
                expected.splitlines(keepends=True), actual.splitlines(keepends=True), str(path), "printed"
            )
        )
        raise AssertionError(f"{path} says something else (UPDATE_GOLDEN=1 writes it):\n{shown}")
