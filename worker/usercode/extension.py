"""What a project says about libraries that the tables do not know: ``[tool.autokitteh.calls]`` in its pyproject.toml.

    [tool.autokitteh.calls]
    inline = ["acme.parse", "acme.Query"]      # computes only, or builds a request without sending it
    activity = ["dateutil.parser"]             # reaches outside, or uses the clock or chance
    local = ["acme.Connection"]                # needs the object that lives in this process
    hidden = ["acme.session.Session.request"]  # reached from behind attributes or iterators: an activity

Names are dotted: a module, a function, a class or a method; the longest one that fits decides, before our own tables.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from worker.errors import UserCodeError
from worker.usercode.tables import Rule

FILE: Final = "pyproject.toml"
_KINDS: Final = ("inline", "activity", "local")
_HIDDEN: Final = "hidden"
_NAME: Final = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
_REASON: Final = "pyproject.toml says so"
_HINT: Final = 'See "Your own rules" in docs/how-calls-work.md.'


@dataclass(frozen=True)
class Extension:
    """The project's own rules, and the methods of libraries that make hidden calls, by module."""

    rules: dict[str, Rule] = field(default_factory=dict)
    hidden: dict[str, tuple[str, ...]] = field(default_factory=dict)


def read(directory: Path) -> Extension:
    """The rules of a project; none when it has no such table.

    Raises:
        UserCodeError: the file or the table is wrong, with the line.
    """
    path = directory / FILE
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Extension()
    try:
        table = tomllib.loads(text).get("tool", {}).get("autokitteh", {}).get("calls", {})
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"line (\d+)", str(error))
        raise UserCodeError(str(error), where=f"{FILE}:{line.group(1) if line else 1}") from None
    if not isinstance(table, dict):
        raise _wrong(text, "calls", "calls is a table")
    rules: dict[str, Rule] = {}
    hidden: dict[str, tuple[str, ...]] = {}
    for kind, names in table.items():
        if kind not in {*_KINDS, _HIDDEN}:
            raise _wrong(text, kind, f"{kind} is none of {', '.join(_KINDS)}, {_HIDDEN}")
        for name in _names(text, kind, names):
            if kind == _HIDDEN:
                module, method = _split(text, name)
                hidden[module] = (*hidden.get(module, ()), method)
            elif rules.setdefault(name, Rule(kind, _REASON)).kind != kind:
                raise _wrong(text, name, f"{name} is both {rules[name].kind} and {kind}")
    return Extension(rules, hidden)


def _names(text: str, kind: str, names: Any) -> list[str]:
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise _wrong(text, kind, f'{kind} is a list of dotted names, such as ["acme.parse"]')
    for name in names:
        if not _NAME.fullmatch(name):
            raise _wrong(text, name, f"{name!r} is no dotted name")
    return names


def _split(text: str, name: str) -> tuple[str, str]:
    parts = name.split(".")
    if len(parts) < len(("module", "class", "method")):
        raise _wrong(text, name, f"{name} does not name a method: write module.Class.method")
    return ".".join(parts[:-2]), ".".join(parts[-2:])


def _wrong(text: str, found: str, message: str) -> UserCodeError:
    lines = text.splitlines()
    begin = next((n for n, line in enumerate(lines) if "autokitteh.calls" in line.replace(" ", "")), 0)
    whole = re.compile(rf"(?<![\w.]){re.escape(found)}(?![\w.])")
    number = next((n for n in range(begin, len(lines)) if whole.search(lines[n])), begin)
    return UserCodeError(message, where=f"{FILE}:{number + 1}", hint=_HINT)
