"""The terminal sessions in the documentation: their commands, and patterns of what the page says they print."""

from __future__ import annotations

import re
from collections.abc import Iterator


def commands(text: str) -> Iterator[tuple[str, list[str]]]:
    """Each command of a page with the lines that the page says it prints."""
    for talk in re.findall(r"```console\n(.*?)```", text, re.DOTALL):
        for part in re.split(r"^\$ ", talk, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            yield command, output.splitlines()


def pattern_of(lines: list[str], known: dict[str, str]) -> str:
    """``…`` is any lines or any text; ``ses_1…`` and ``evt_1…`` are one id wherever they stand."""
    pattern = "".join(
        r"(?:.*\n)*?" if line == "…" else re.escape(line).replace("…", ".*?") + r"\s*?\n" for line in lines
    )
    for name in dict.fromkeys(re.findall(r"((?:ses|evt)_\d)\.\*\?", pattern)):
        word = f"{name}.*?"
        if name not in known:
            pattern = pattern.replace(word, rf"(?P<{name}>{name[:3]}_\w+)", 1)
        pattern = pattern.replace(word, known.get(name, f"(?P={name})"))
    return pattern + r"\Z"
