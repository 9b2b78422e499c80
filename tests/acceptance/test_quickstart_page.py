"""The terminal sessions of ``docs/quickstart.md`` really go like that, from an empty directory."""

from __future__ import annotations

import re
import shlex
import subprocess

import pytest

from tests.helpers.ak import AK, AkUp
from tests.helpers.console import commands, pattern_of
from tests.helpers.snippets import DOCS
from tests.helpers.waiting import eventually_sync

PAGE = (DOCS / "quickstart.md").read_text()
ONLY_LOOK = {"list", "show"}


class Terminal:
    """What a reader types, in one directory: ``ak up`` goes on beside what is typed after it."""

    def __init__(self, folder) -> None:
        self.folder = folder
        self.up = AkUp(folder / "home", folder / "hello")
        self.up.home.mkdir()
        self.running: subprocess.Popen | None = None

    def type(self, command: str) -> str:
        """Run a command, and return what it prints."""
        words = shlex.split(command)
        if words[:2] == ["ak", "up"]:
            return self.start(words)
        if words[0] == "pkill":  # by their ids: there may be others on this machine
            assert words == ["pkill", "-9", "-f", "ak up"]
            self.up.process = self.running
            self.up.kill_everything()
            return ""
        words[0] = {"ak": AK}.get(words[0], words[0])
        done = subprocess.run(
            words, cwd=self.folder, env=self.up.environment, capture_output=True, text=True, check=True
        )
        return done.stdout

    def start(self, words: list[str]) -> str:
        """Start ``ak up``; returns what it says until its line that begins with ``or start``."""
        self.running = subprocess.Popen(
            [AK, *words[1:]],
            cwd=self.folder,
            env=self.up.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        said: list[str] = []
        while not said or "or start it by hand" not in said[-1]:
            line = self.running.stdout.readline()
            assert line, said
            said.append(line)
        address = re.search(r"gateway http://(\S+)", "".join(said))[1]
        self.up.environment["AK_LISTEN"] = address
        return "".join(said)


@pytest.mark.timeout(240)
def test_quickstart_goes_like_that(tmp_path):
    """Created, started, killed in the middle, gone on, deployed again."""
    terminal = Terminal(tmp_path)
    known: dict[str, str] = {}
    url = ""
    try:
        for command, expected in commands(PAGE):
            typed = re.sub(r"http://127\.0\.0\.1:9980/webhooks/<slug>", url, command)
            for name, value in known.items():
                typed = typed.replace(name, value)
            pattern = pattern_of(expected, known)
            seen: list[str] = []

            def shows(typed=typed, pattern=pattern, seen=seen):
                seen.append(terminal.type(typed))
                return re.match(pattern, seen[-1])

            looks = command.split()[2:3] != [] and command.split()[2] in ONLY_LOOK
            try:
                match = eventually_sync(shows, 30) if looks else shows()
            except AssertionError:
                match = None
            assert match is not None, (command, expected, seen[-1])
            known |= match.groupdict()
            found = re.search(r"curl (http\S+)", seen[-1])
            url = found[1] if found else url
    finally:
        terminal.up.process = terminal.running
        terminal.up.kill_everything()
