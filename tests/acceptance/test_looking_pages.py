"""The terminal sessions of ``docs/looking-into-sessions.md`` and ``docs/events.md`` really go like that."""

from __future__ import annotations

import re
import shlex

from tests.helpers.projects import write
from tests.helpers.snippets import DOCS
from tests.helpers.waiting import eventually_sync

PAGES = [(DOCS / name).read_text() for name in ("looking-into-sessions.md", "events.md")]
TEXT = "\n".join(PAGES)
FILES = dict(re.findall(r"<!-- file: (\S+) -->\n```\w+\n(.*?)```", TEXT, re.DOTALL))
TRIGGERS = re.findall(r"<!-- triggers -->\n```yaml\n(.*?)```", TEXT, re.DOTALL)
ONCE = {"send", "redispatch"}


def commands():
    """Each command with the lines that the page says it prints."""
    for talk in re.findall(r"```console\n(.*?)```", TEXT, re.DOTALL):
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


def test_terminal_sessions_of_the_pages_go_like_that(up, tmp_path):
    """One after the other, with the ids that come; what only looks is asked until it shows what the page shows."""
    up.ak("deploy", str(write(tmp_path / "orders", "orders", FILES, triggers=TRIGGERS[0])))
    known: dict[str, str] = {}
    found = list(commands())
    assert len(found) == 11
    for command, expected in found:
        words = [known.get(word, word) for word in shlex.split(command)[1:]]
        words = [str(tmp_path / "orders" / word) if word in FILES else word for word in words]
        pattern = pattern_of(expected, known)
        seen: list[str] = []

        def shows(words=words, pattern=pattern, seen=seen):
            seen.append(up.run(*words).stdout)
            return re.match(pattern, seen[-1])

        match = shows() if words[1] in ONCE else eventually_sync(shows, 60)
        assert match is not None, (command, expected, seen[-1])
        known |= match.groupdict()
