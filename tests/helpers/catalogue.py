"""The examples on the page of errors: files, commands and what they print; the page is the golden file.

A fenced block whose first line is a comment with a file's name is that file. A block ``console`` holds commands after
``$`` and what each prints, and ends the example; ``<!-- up -->`` before it says that it needs a running ``ak up``.
What differs from run to run stands on the page as ``…`` or under a name of its own (``ses_…``, ``~/.autokitteh``);
how far a deployment has come (``shop: starting …``) is left out, for it depends on when one looks.
``UPDATE_GOLDEN=1 pytest …`` writes what was printed into the page, one process at a time.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tests.helpers.snippets import DOCS

PAGE = DOCS / "errors.md"
_SECTION = re.compile(r"^### (AK1\d{3})\n(.*?)(?=^##|\Z)", re.MULTILINE | re.DOTALL)
_BLOCK = re.compile(
    r"(?:<!-- (?P<mark>up) -->\n)?^```(?P<kind>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)
_FILE = re.compile(r"# (\S+\.\w+)\n")
_IDENTIFIER = re.compile(r"\b(ses|dep|bld|evt|sub|blob)_[0-9a-z]{20,}")
_PROGRESS = re.compile(r"^\w+: [^\n]* …\n", re.MULTILINE)
_VOLATILE = (
    (re.compile(r"\b\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\b"), "…"),
    (re.compile(r"\b\d\d:\d\d:\d\d\.\d{3}\b"), "…"),
    (re.compile(r"\(process \d+\)"), "(process …)"),
    (re.compile(r"\b\d{8}-\d{6}-\d{6}\.txt"), "….txt"),
)


@dataclass(frozen=True)
class Example:
    """One block of commands, with the files that stand before it."""

    code: str
    number: int  # among those of its code
    up: bool
    files: list[tuple[str, str]]
    console: str

    @property
    def commands(self) -> list[str]:
        """The lines after ``$``."""
        return [line[2:] for line in self.console.splitlines() if line.startswith("$ ")]

    def __str__(self) -> str:
        """For the names of tests."""
        return f"{self.code}-{self.number}"


def examples() -> list[Example]:
    """All of them, in the order of the page."""
    found = []
    for code, text in _SECTION.findall(PAGE.read_text()):
        files: list[tuple[str, str]] = []
        number = 0
        for block in _BLOCK.finditer(text):
            if block["kind"] != "console":
                name = _FILE.match(block["text"])
                assert name, f"{code}: a block without a file's name"
                files.append((name[1], block["text"]))
                continue
            number += 1
            found.append(Example(code, number, block["mark"] == "up", files, block["text"]))
            files = []
    return found


def spans(page: str) -> dict[tuple[str, int], tuple[int, int]]:
    """Where on the page the console of each example stands."""
    found = {}
    for section in _SECTION.finditer(page):
        consoles = [block for block in _BLOCK.finditer(section[2]) if block["kind"] == "console"]
        for number, block in enumerate(consoles, 1):
            start, end = block.span("text")
            found[(section[1], number)] = (section.start(2) + start, section.start(2) + end)
    return found


def project() -> dict[str, str]:
    """The project in which the examples run that need ``ak up``: its manifest, and each of their programs."""
    page = PAGE.read_text()
    manifest = re.search(r"^```yaml\n(# autokitteh\.yaml\n.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert manifest
    of_it = [example for example in examples() if example.up and "autokitteh.yaml" not in dict(example.files)]
    programs = {name: text for example in of_it for name, text in example.files}
    return {"autokitteh.yaml": manifest[1], **programs}


def check(example: Example, run: Callable[[str], str], names: Mapping[str, str]) -> None:
    """Run the commands of an example, and fail unless they print what the page says.

    Args:
        example: from the page.
        run: runs one line of a shell; returns what it printed.
        names: what stands on the page for what it is in this run.
    """
    printed = ""
    for command in example.commands:
        line = command
        for shown, real in names.items():
            line = line.replace(shown, real)
        printed += f"$ {command}\n{normalised(run(line), names)}"
    if os.environ.get("UPDATE_GOLDEN") and printed != example.console:
        page = PAGE.read_text()
        start, end = spans(page)[(example.code, example.number)]
        PAGE.write_text(page[:start] + printed + page[end:])
        return
    assert printed.splitlines() == example.console.splitlines()


def normalised(text: str, names: Mapping[str, str]) -> str:
    """What was printed, as the page shows it."""
    for shown, real in sorted(names.items(), key=lambda item: -len(item[1])):
        text = text.replace(real, shown)
    text = _IDENTIFIER.sub(r"\1_…", text)
    for pattern, shown in _VOLATILE:
        text = pattern.sub(shown, text)
    return _PROGRESS.sub("", "".join(f"{line.rstrip()}\n" for line in text.splitlines()))


def words(line: str) -> tuple[dict[str, str], list[str]]:
    """The environment and the words of a command line such as ``AK_LISTEN=x ak gateway``."""
    parts = shlex.split(line)
    at = parts.index("ak")
    return dict(part.split("=", 1) for part in parts[:at]), parts[at + 1 :]
