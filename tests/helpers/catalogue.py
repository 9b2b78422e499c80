"""The examples on the page of errors: files, commands and what they print; the page is the golden file.

A fenced block whose first line is a comment with a file's name is that file. A block ``console`` holds commands after
``$`` and what each prints, and ends the example; ``<!-- up -->`` before it says that it needs a running ``ak up``.
What differs from run to run stands on the page as ``…`` or under a name of its own (``ses_…``, ``~/.autokitteh``);
how far a deployment has come (``shop: starting …``) is left out, for it depends on when one looks.
Commands are ``ak``, and those of others: ``curl``, and ``python`` with a program of the example.
``UPDATE_GOLDEN=1 pytest …`` writes what was printed into the page, one process at a time.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.helpers.snippets import DOCS

PAGE = DOCS / "errors.md"
_SECTION = re.compile(r"^### (AK[134]\d{3}|AK2017)\n(.*?)(?=^##|\Z)", re.MULTILINE | re.DOTALL)
_BLOCK = re.compile(
    r"(?:<!-- (?P<mark>up) -->\n)?^```(?P<kind>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)
_FILE = re.compile(r"# (\S+\.\w+)\n")
_IDENTIFIER = re.compile(r"\b(ses|dep|bld|evt|sub|blob)_[0-9a-z]{20,}")
_PROGRESS = re.compile(r"^(?!AK\d|\w+Error)\w+: [^\n]* …\n", re.MULTILINE)
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
            if block["kind"] in {"situations", "text", "filters"} and not _FILE.match(block["text"]):
                continue
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


def answer(code: str) -> str:
    """What a request is told with this code; empty where an example shows it."""
    found = re.search(rf"^### {code}\n(?:(?!#).*\n)*?```text\n(.*)\n```$", PAGE.read_text(), re.MULTILINE)
    return found[1] if found else ""


def has_answer(code: str) -> bool:
    """Whether the page shows an answer to a request with this code, which the gateway's tests compare."""
    return bool(answer(code))


def situations() -> dict[str, tuple[str, str]]:
    """What comes of situations that no single command makes: by the situation, the code of its section and the text."""
    found = {}
    for code, text in _SECTION.findall(PAGE.read_text()):
        for block in re.findall(r"^```situations\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
            for title, said in re.findall(r"^(\S.*):\n((?:  .*\n)+)", block, re.MULTILINE):
                assert title not in found, title
                found[title] = (code, re.sub(r"^  ", "", said, flags=re.MULTILINE))
    return found


def check_situation(title: str, printed: str, names: Mapping[str, str]) -> None:
    """Fail unless the page shows this text under this situation."""
    text = normalised(printed, names)
    code, said = situations()[title]
    if os.environ.get("UPDATE_GOLDEN") and text != said:
        indented = "".join(f"  {line}\n" for line in text.splitlines())
        entry = re.compile(rf"^{re.escape(title)}:\n(?:  .*\n)+", re.MULTILINE)
        PAGE.write_text(entry.sub(lambda _: f"{title}:\n{indented}", PAGE.read_text()))
        return
    assert text.splitlines() == said.splitlines()
    assert code in text or code == "AK2017"  # a part of a filter has no code of its own


def is_ours(line: str) -> bool:
    """Whether it is a command of ours."""
    return not line.startswith(("curl ", "python "))


def others(line: str, directory: Path) -> str:
    """What a command prints that is not ours; empty for ``ak``."""
    if is_ours(line):
        return ""
    words = shlex.split(line)
    words[0] = sys.executable if words[0] == "python" else words[0]
    done = subprocess.run(
        words, cwd=directory, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    return f"{done.stdout.rstrip()}\n"


def words(line: str) -> tuple[dict[str, str], list[str]]:
    """The environment and the words of a command line such as ``AK_LISTEN=x ak gateway``."""
    parts = shlex.split(line)
    at = parts.index("ak")
    return dict(part.split("=", 1) for part in parts[:at]), parts[at + 1 :]
