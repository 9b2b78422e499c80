"""``ak init``: a small project that runs, to change into one's own."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from worker.cli.deploy import Json
from worker.cli.output import Output
from worker.errors import UsageError

_NOT_A_NAME = re.compile(r"\W", re.ASCII)

_WEBHOOK = {
    "autokitteh.yaml": """version: v2
project:
  name: NAME
  vars:
    - {name: GREETING, value: hello, description: how people are greeted}
  triggers:
    - {name: hello, type: webhook, call: main.py:on_request}
""",
    "main.py": '''"""Answers a request by and by: it survives restarts and deployments, also while it sleeps."""

import os
import time


def on_request(event):
    name = event.data.get("url", {}).get("path_suffix") or "world"
    print(f"{os.environ['GREETING']} {name}")
    time.sleep(5)  # a timer of Temporal's: change it to a week
    print(f"goodbye {name}")
    return name
''',
    "test_main.py": '''"""Run with plain pytest: no server, no waiting."""

from autokitteh.testing import Project


def test_people_are_greeted(capsys):
    with Project(".", env={"GREETING": "hi"}) as project:
        assert project.run("main.py:on_request", {"url": {"path_suffix": "ada"}}) == "ada"
        assert project.clock.seconds == 5
    assert capsys.readouterr().out.splitlines() == ["hi ada", "goodbye ada"]
''',
}
_SCHEDULE = {
    "autokitteh.yaml": """version: v2
project:
  name: NAME
  triggers:
    - {name: every_minute, schedule: "@every 1m", call: main.py:on_tick}
""",
    "main.py": '''"""Counts its ticks in a value that all sessions of the project share."""

from autokitteh import add_values


def on_tick(event):
    count = add_values("ticks", 1)
    print(f"tick {count}")
    return count
''',
    "test_main.py": '''"""Run with plain pytest: no server, no waiting."""

from autokitteh.testing import Project


def test_ticks_are_counted():
    with Project(".", values={"ticks": 1}) as project:
        assert project.run("main.py:on_tick", {}) == 2
''',
}
_SLACK = {
    "autokitteh.yaml": """version: v2
project:
  name: NAME
  connections:
    - {name: chat, integration: slack}
  vars:
    - {name: CHANNEL, value: general}
  triggers:
    - {name: say, type: webhook, call: main.py:on_request}
""",
    "requirements.txt": "slack_sdk>=3.35\n",
    "main.py": '''"""Says something in a channel. Its token: ak connection init NAME chat"""

import os

from autokitteh.slack import slack_client


def on_request(event):
    text = event.data.get("url", {}).get("path_suffix") or "hello"
    say(slack_client("chat"), text)
    print(f"said {text}")
    return text


def say(slack, text):
    slack.chat_postMessage(channel=os.environ["CHANNEL"], text=text)
''',
    "test_main.py": '''"""Run with plain pytest: no server, nothing is sent."""

from autokitteh.testing import Call, Project


def test_something_is_said():
    with Project(".") as project:
        project.replace("main.slack_client", "a client")
        project.replace("main.say")
        assert project.run("main.py:on_request", {"url": {"path_suffix": "hi"}}) == "hi"
        assert project.calls[1] == Call("main.say", ("a client", "hi"), {})
''',
}
TEMPLATES = {"webhook": _WEBHOOK, "schedule": _SCHEDULE, "slack": _SLACK}


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command(name="init")(init)


def init(
    directory: Annotated[Path, typer.Argument(help="Where; it is made when it is not there.")] = Path(),
    template: Annotated[
        str, typer.Option("--template", "-t", help=f"What to begin with: {', '.join(TEMPLATES)}.")
    ] = "webhook",
    as_json: Json = False,
) -> None:
    """Create a project that runs: a manifest, a handler, and a test of it. Nothing is overwritten.

    Example: ak init hello && ak up hello
    """
    files = TEMPLATES.get(template)
    if files is None:
        raise UsageError(f"there is no template {template}", hint=f"Templates: {', '.join(TEMPLATES)}")
    name = project_name(directory.resolve().name)
    there = [file for file in files if (directory / file).exists()]
    if there:
        raise UsageError(
            f"{', '.join(there)} in {directory} would be overwritten; nothing was created",
            hint="Choose another directory.",
        )
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for file, text in files.items():
            with (directory / file).open("x") as opened:
                opened.write(text.replace("NAME", name))
    except OSError as error:
        raise UsageError(
            f"{error.filename or directory} cannot be created: {error.strerror}",
            hint="Choose another directory.",
        ) from None
    written = f"{name} created: {', '.join(files)}"
    Output(as_json=as_json).document(
        {"project": name, "directory": str(directory.resolve()), "files": list(files)},
        f"{written}\n  run it:  ak up {directory}\n  test it: cd {directory} && pytest",
    )


def project_name(text: str) -> str:
    """A directory's name as a project's."""
    name = _NOT_A_NAME.sub("_", text).strip("_") or "project"
    return f"p_{name}" if name[0].isdigit() else name
