"""What ``dataclasses`` generates for the user's classes, compiled once per text instead of once per session.

``dataclass`` writes each class's methods as text and compiles them: where a module is run by every session, that is
most of what a class costs, in time and in memory. Code objects never change, so that functions of all sessions can have
one in common, as those written in the user's files have; whatever differs (globals, defaults, the classes of fields)
belongs to the function.

Only for classes of user modules: whether a call runs inline is remembered by code, and a class of a library's with the
same fields must not be taken for the user's.
"""

from __future__ import annotations

import dataclasses
import functools
from types import CodeType
from typing import Any

_KEPT = 4096  # texts; what a project generates beyond that is compiled each time
_OF_THE_USER = "__ak_route__"  # every user module has it, see ``namespace``


def install() -> None:
    """Stand in the place of the ``exec`` that ``dataclasses`` calls, in this process."""
    vars(dataclasses)["exec"] = execute


def execute(text: str | CodeType, scope: Any = None, local: Any = None) -> None:
    """As ``exec``, with the code of an earlier call where the same text is executed in a module of the user's."""
    if isinstance(text, str) and isinstance(scope, dict) and _OF_THE_USER in scope:
        text = compiled(text)
    exec(text, scope, local)  # noqa: S102 - in the place of exec itself


@functools.lru_cache(maxsize=_KEPT)
def compiled(text: str) -> CodeType:
    """The code of a text, as ``exec`` in a module without future statements compiles it."""
    return compile(text, "<string>", "exec", dont_inherit=True)
