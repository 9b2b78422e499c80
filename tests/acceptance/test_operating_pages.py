"""What the pages about deploying, configuring, developing, safe deploys and cleaning tell to type is typed here."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.helpers.ak import AK
from tests.helpers.projects import write
from tests.helpers.snippets import DOCS
from tests.helpers.vendor import serving
from tests.helpers.waiting import eventually_sync

PAGES = {
    name: (DOCS / f"{name}.md").read_text()
    for name in ("deploying", "configuring", "developing", "safe-deploys", "retention")
}
PROGRAM = re.search(r"<!-- file: main.py -->\n```python\n(.*?)```", PAGES["safe-deploys"], re.DOTALL)[1]
EDIT = re.search(r'<!-- edit: "(.*?)" → "(.*?)" -->\n', PAGES["safe-deploys"])
ELSEWHERE = {
    "ak up hello --watch": "stays in the foreground; tests/acceptance/test_developing.py lives with it",
    "ak --install-completion": "writes to the home of who types it; tests/acceptance/test_completion.py gives it one",
}
ANSWERS = {"ak connection init quickstart chat": json.dumps({"BotToken": "xoxb-a-token-nobody-sees"})}
BREAKS = "ak deploy orders --check"  # its exit status is 1, as the page says
TOKEN = "some-long-secret-text"


def talks(page: str) -> list[tuple[str, list[str]]]:
    """Each command of a page, without the comment after it, with the lines that it prints by the page."""
    found = []
    for talk in re.findall(r"```console\n(.*?)```", PAGES[page], re.DOTALL):
        for part in re.split(r"^\$ ", talk, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            found.append((re.sub(r"\s+# .*", "", command), output.splitlines()))
    return found


def pattern_of(lines: list[str]) -> str:
    """A line ``…`` is any lines, a ``…`` inside a line any text."""
    return "".join(
        r"(?:.*\n)*?" if line == "…" else re.escape(line).replace("…", ".*?") + r"\s*?\n" for line in lines
    )


def typed(up, place: Path, command: str, **known: str) -> str:
    """Type a command in a shell, with what stands for ids and addresses filled in; returns what it prints."""
    for word, value in known.items():
        command = command.replace(
            {"dep": "dep_…", "url": "http://127.0.0.1:9980/webhooks/<slug>"}[word], value
        )
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=place,
        env=up.environment | {"PATH": f"{Path(AK).parent}:{os.environ['PATH']}"},
        input=ANSWERS.get(command.partition(" --")[0], ""),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    expected = 1 if command == BREAKS else 0
    assert done.returncode == expected, (command, done.stdout, done.stderr)
    return done.stdout


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Where it is typed: with the projects ``orders`` and ``quickstart``, and a file with a token."""
    made = tmp_path_factory.mktemp("place")
    hook = "- {name: hook, type: webhook, call: 'main.py:on_order'}"
    write(made / "orders", "orders", {"main.py": PROGRAM}, triggers=hook)
    chat = "connections: [{name: chat, integration: slack}]\n"
    write(made / "quickstart", "quickstart", {"main.py": "def on_event(event): pass\n"}, extra=chat)
    (made / "token.txt").write_text(f"{TOKEN}\n")
    return made


@pytest.mark.parametrize("page", PAGES)
def test_every_block_of_a_page_is_executed(page):
    """Console sessions here; programs with their output in test_docs.py; the program of safe deploys here."""
    blocks = re.findall(r"^(?:<!-- (\w+): .*-->\n)?```(\w+)$", PAGES[page], re.MULTILINE)
    fences = len(re.findall(r"^```", PAGES[page], re.MULTILINE))
    assert fences == 2 * len(blocks), "a block without a language"
    allowed = {("", "console"), ("edit", "console"), ("file", "python"), ("test", "python"), ("", "text")}
    assert set(blocks) <= allowed


def waiting(up) -> str:
    """A session of the program that waits to be paid."""
    session = up.ak("session", "start", "orders", "main.py:on_order", "--data", '{"item": "tea"}')["id"]
    eventually_sync(lambda: "paid" in up.run("session", "list", "orders").stdout, 30)
    return session


def test_deploying_and_safe_deploys_go_like_that(up, place):
    """Plan, deploy and rename; look before a deploy, move, go back, take no new work."""
    pages = talks("deploying") + talks("safe-deploys")
    assert len(pages) == 8
    session, first = "", ""
    for command, expected in pages:
        if command == BREAKS:
            first = up.ak("deployment", "get", "orders")["id"]
            session = waiting(up)
            manifest = place / "orders" / "autokitteh.yaml"
            manifest.write_text(manifest.read_text().replace("name: hook", "name: inbound"))
            (place / "orders" / "main.py").write_text(PROGRAM.replace(EDIT[1], EDIT[2]))
        output = typed(up, place, command, dep=first)
        if expected:
            assert re.match(pattern_of(expected), output), (command, expected, output)
        if command.startswith("ak deployment activate"):
            assert up.ak("deployment", "get", "orders")["id"] == first
    assert up.ak("project", "get", "orders")["open_sessions"] == 1
    assert up.ak("session", "get", session)["deployment"] == first
    up.run("project", "delete", "orders", "--force")


def test_configuring_goes_like_that(up, place):
    """Variables, and a connection that is set up and tried against a vendor on this machine."""
    up.ak("deploy", str(place / "quickstart"))
    with serving() as vendor:
        vendor.answers["/auth.test"] = [{"ok": True}]
        for command, _ in talks("configuring"):
            here = f" --argument base_url={vendor.url}/" if "connection test" in command else ""
            output = typed(up, place, command + here)
            assert TOKEN not in output
        assert [header for _, header, _ in vendor.seen] == [f"Bearer {TOKEN}"]
    values = {item["name"]: item["value"] for item in up.ak("var", "list", "quickstart", "--reveal")}
    assert (values["GREETING"], values["TOKEN"]) == ("hello", TOKEN)


def test_developing_goes_like_that(up, place):
    """A project is made, answers its webhook and passes its own test."""
    seen, url = set(), ""
    for command, _ in talks("developing"):
        if command in ELSEWHERE:
            seen.add(command)
            if command.startswith("ak up"):
                url = up.ak("deploy", str(place / "hello"))["webhooks"]["hello"]
            continue
        typed(up, place, command, url=url)
    assert seen == set(ELSEWHERE)
    event = up.ak("event", "list", "hello")[0]["id"]
    eventually_sync(lambda: up.ak("session", "list", "--event", event), 30)


def test_cleaning_goes_like_that(up, place):
    """Shown, tried, done."""
    outputs = [typed(up, place, command) for command, _ in talks("retention")]
    assert len(outputs) == 3
    assert "would be deleted" in outputs[1]
