"""``docker-compose.yml`` read as Compose does: variables filled in, and what a service would run as a plain process."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docker-compose.yml"
_VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?:(?P<kind>:?[-?])(?P<rest>[^}]*))?\}")


class MissingError(Exception):
    """A variable without a value that the file insists on."""


def filled_in(text: str, values: dict[str, str]) -> str:
    """The text with ``${NAME}``, ``${NAME:-default}`` and ``${NAME:?message}`` replaced."""

    def value(found: re.Match[str]) -> str:
        name, kind, rest = found["name"], found["kind"], found["rest"]
        if values.get(name):
            return values[name]
        if kind == ":-":
            return str(rest)
        raise MissingError(f"{name}: {rest}")

    return _VARIABLE.sub(value, text)


def variables() -> dict[str, set[str]]:
    """Every variable of the file, with the ways in which it is asked for."""
    found: dict[str, set[str]] = {}
    for match in _VARIABLE.finditer(FILE.read_text()):
        found.setdefault(match["name"], set()).add((match["kind"] or "") + (match["rest"] or ""))
    return found


def example() -> dict[str, str]:
    """The variables of ``.env.example``."""
    lines = (ROOT / ".env.example").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def load(values: dict[str, str]) -> dict[str, Any]:
    """The file with these variables."""

    def walk(node: Any) -> Any:
        if isinstance(node, dict):
            return {key: walk(value) for key, value in node.items()}
        if isinstance(node, list):
            return [walk(value) for value in node]
        return filled_in(node, values) if isinstance(node, str) else node

    found: dict[str, Any] = walk(yaml.safe_load(FILE.read_text()))
    return found


def as_process(service: dict[str, Any], hosts: dict[str, str]) -> tuple[list[str], dict[str, str]]:
    """The service's command and environment, with the network's names replaced by real addresses."""
    environment = {}
    for name, value in service["environment"].items():
        text = str(value)
        for host, address in hosts.items():
            text = text.replace(host, address)
        environment[name] = text
    return [str(word) for word in service["command"]], environment
