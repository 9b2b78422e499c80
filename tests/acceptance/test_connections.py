"""Connections on a terminal and through the vendors' own libraries; what is typed is seen nowhere."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import time

import pytest

from tests.helpers.ak import AK
from tests.helpers.projects import write
from tests.helpers.vendor import serving

EXTRA = """
connections:
  - {name: code, integration: github}
  - {name: mail, integration: gmail}
  - {name: days, integration: googlecalendar}
  - {name: files, integration: googledrive}
  - {name: videos, integration: youtube}
"""
TOKEN = "a-token-that-nobody-sees"
# Under which address each service looks for its paths, what it is asked, and what it answers.
GOOGLE = {
    "mail": ("/", "/gmail/v1/users/me/profile", {"emailAddress": "a@b.c"}),
    "days": ("/calendar/v3/", "/calendar/v3/users/me/calendarList", {"items": []}),
    "files": ("/drive/v3/", "/drive/v3/about", {"user": {}}),
    "videos": ("/", "/youtube/v3/channels", {"items": []}),
}


@pytest.fixture(scope="module")
def project(up, tmp_path_factory):
    """A project with a connection to each."""
    files = {"main.py": "def on_event(event): pass\n"}
    up.ak("deploy", str(write(tmp_path_factory.mktemp("p") / "p", "vendors", files, extra=EXTRA)))
    return "vendors"


class Terminal:
    """A command on a terminal of its own, as a person sees it."""

    def __init__(self, environment: dict[str, str], *arguments: str) -> None:
        self.pid, self._descriptor = pty.fork()
        if not self.pid:
            os.execve(AK, [AK, *arguments], environment)
        self.shown = ""

    def until(self, text: str, seconds: float = 60) -> None:
        """Return once this is shown."""
        end = time.monotonic() + seconds
        while text not in self.shown:
            assert time.monotonic() < end, self.shown
            if select.select([self._descriptor], [], [], 0.1)[0]:
                self.shown += os.read(self._descriptor, 4096).decode(errors="replace")

    def type(self, text: str) -> None:
        """Type a line."""
        os.write(self._descriptor, f"{text}\n".encode())

    def end(self) -> int:
        """The exit status, when it has ended."""
        try:
            while chunk := os.read(self._descriptor, 4096):
                self.shown += chunk.decode(errors="replace")
        except OSError:
            pass  # how a terminal says that nobody is there any more
        os.close(self._descriptor)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def test_credentials_are_asked_for_on_a_terminal(up, project):
    """First which way, then each variable, a secret one without being shown."""
    terminal = Terminal(up.environment, "connection", "init", project, "code")
    terminal.until("which")
    assert "1: pat" in terminal.shown
    terminal.type("1")
    terminal.until("pat: ")
    terminal.type(TOKEN)
    assert terminal.end() == 0, terminal.shown
    assert TOKEN not in terminal.shown
    assert "code set" in terminal.shown
    assert up.ak("connection", "get", project, "code")["initialized"] is True


def test_wrong_choice_stores_nothing(up, project):
    """It is a usage error, and asks for nothing more."""
    terminal = Terminal(up.environment, "connection", "init", project, "mail")
    terminal.until("which")
    terminal.type("9")
    assert terminal.end() == 2, terminal.shown
    assert "there is no choice 9" in terminal.shown


def init(up, project: str, name: str, values: dict[str, str]) -> None:
    """Set credentials as a script does."""
    subprocess.run(
        [AK, "connection", "init", project, name, "--no-deploy", "--json"],
        env=up.environment,
        input=json.dumps(values),
        text=True,
        capture_output=True,
        check=True,
    )


def test_github_is_tried_through_its_own_library(up, project):
    """The token is sent, and what GitHub says about a wrong one is told."""
    init(up, project, "code", {"pat": TOKEN})
    with serving() as vendor:
        limit = {"limit": 5000, "remaining": 4999, "reset": 1, "used": 1}
        vendor.answers["/rate_limit"] = {"resources": {"core": limit}, "rate": limit}
        arguments = ["connection", "test", project, "code", "--argument", f"base_url={vendor.url}"]
        assert up.ak(*arguments) == {"name": "code", "tested": True, "ok": True}
        assert vendor.seen[0][:2] == ("/rate_limit", f"token {TOKEN}")
        del vendor.answers["/rate_limit"]
        failed = up.run(*arguments, check=False)
    assert (failed.returncode, "404" in failed.stderr, TOKEN in failed.stderr) == (1, True, False)


@pytest.mark.parametrize("name", GOOGLE)
def test_google_is_tried_through_its_own_library(up, project, name):
    """Each service makes its own harmless call, with the user's token."""
    base, path, answer = GOOGLE[name]
    init(up, project, name, {"oauth_AccessToken": TOKEN, "auth_type": "oauth"})
    with serving() as vendor:
        vendor.answers[path] = answer
        options = json.dumps({"api_endpoint": f"{vendor.url}{base}"})
        arguments = ["connection", "test", project, name, "--argument", f"client_options={options}"]
        assert up.ak(*arguments) == {"name": name, "tested": True, "ok": True}
        assert vendor.seen[0][:2] == (path, f"Bearer {TOKEN}")


@pytest.mark.parametrize("argument", ["base_url", "=x", 'client_options={"a"'])
def test_argument_that_is_none_is_a_usage_error(up, project, argument):
    """Before anything is asked."""
    init(up, project, "code", {"pat": TOKEN})
    assert up.run("connection", "test", project, "code", "--argument", argument, check=False).returncode == 2
