"""The terminal sessions of ``docs/looking-into-sessions.md`` and ``docs/events.md`` really go like that."""

from __future__ import annotations

import re
import shlex

from tests.helpers.console import commands, pattern_of
from tests.helpers.projects import write
from tests.helpers.snippets import DOCS
from tests.helpers.waiting import eventually_sync

PAGES = [(DOCS / name).read_text() for name in ("looking-into-sessions.md", "events.md")]
TEXT = "\n".join(PAGES)
FILES = dict(re.findall(r"<!-- file: (\S+) -->\n```\w+\n(.*?)```", TEXT, re.DOTALL))
TRIGGERS = re.findall(r"<!-- triggers -->\n```yaml\n(.*?)```", TEXT, re.DOTALL)
ONCE = {"send", "redispatch"}


def test_terminal_sessions_of_the_pages_go_like_that(up, tmp_path):
    """One after the other, with the ids that come; what only looks is asked until it shows what the page shows."""
    up.ak("deploy", str(write(tmp_path / "orders", "orders", FILES, triggers=TRIGGERS[0])))
    known: dict[str, str] = {}
    found = list(commands(TEXT))
    assert len(found) == 14
    for command, expected in found:
        words = [known.get(word, word) for word in shlex.split(command)[1:]]
        words = [str(tmp_path / "orders" / word) if word in FILES else word for word in words]
        pattern = pattern_of(expected, known)
        seen: list[str] = []

        def shows(words=words, pattern=pattern, seen=seen):
            seen.append(up.run(*words).stdout)
            return re.match(pattern, seen[-1])

        match = shows() if words[1] in ONCE and "--dry-run" not in words else eventually_sync(shows, 60)
        assert match is not None, (command, expected, seen[-1])
        known |= match.groupdict()
