"""Values of a history in a few words.

What had to be pickled has a preview beside it, secrets travel by name and have a masked one: nothing is unpickled, no
key is needed, and no secret can be shown.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

from temporalio.api.common.v1 import Payload
from temporalio.api.enums.v1 import TimeoutType
from temporalio.api.failure.v1 import Failure

from worker.payload.preview import preview
from worker.steps import CHILD, READ, SIGNAL, SYSTEM

CHARACTERS = 200
_MESSAGE_CHARACTERS = 1000
_PREVIEWED = ("pickle", "secret", "escaped")
_OURS = frozenset({"op", "shown", "id", "since", "again"})  # of the arguments of the SDK's own functions
_SILENT = frozenset({"subscribe", "unsubscribe", "await_signal", "find_project"})  # their results are for us

_TIMEOUTS = {
    TimeoutType.TIMEOUT_TYPE_START_TO_CLOSE: "timed out: the attempt took longer than its timeout",
    TimeoutType.TIMEOUT_TYPE_SCHEDULE_TO_CLOSE: "timed out: all attempts together took longer than they may",
    TimeoutType.TIMEOUT_TYPE_SCHEDULE_TO_START: "timed out: no process took it in time",
    TimeoutType.TIMEOUT_TYPE_HEARTBEAT: "the process that made the call has gone: no sign of life came any more",
}


class Shown:
    """Stands for a value of which only the preview is known; a preview of it is that text."""

    def __init__(self, text: str) -> None:
        self.__qualname__ = text

    def __call__(self) -> None:
        """Callable, so that a preview takes its name for what it is."""


def plain(tree: Any) -> Any:
    """The value as far as it can be told without decoding it."""
    if isinstance(tree, list):
        return [plain(item) for item in tree]
    if not isinstance(tree, dict):
        return tree
    if "preview" in tree and any(name in tree for name in _PREVIEWED):
        if "escaped" in tree:
            return {key: plain(item) for key, item in tree["escaped"].items()}
        text = tree["preview"]
        if not isinstance(text, str):
            return plain(text)
        return text if "secret" in tree else Shown(text)
    return {key: plain(item) for key, item in tree.items()}


def shown(tree: Any, characters: int = CHARACTERS, mask: Callable[[str], str] = str) -> str:
    """A value of a history in a few words."""
    return preview(plain(tree), characters, mask)


def value_of(payload: Payload) -> Any:
    """A payload's JSON; what is not JSON is described."""
    encoding = payload.metadata.get("encoding", b"").decode(errors="replace")
    if encoding == "binary/null":
        return None
    try:
        return json.loads(payload.data)
    except ValueError:
        return Shown(f"<{len(payload.data)} bytes of {encoding or 'unknown encoding'}>")


def given(kind: str, payloads: Iterable[Payload]) -> list[tuple[str, Any]]:
    """The arguments of a step as the history has them, each with its name where it has one."""
    values = [value_of(payload) for payload in payloads]
    if kind in {CHILD, SIGNAL}:
        return [("", item) for item in values]
    first = values[0] if values else {}
    if not isinstance(first, dict):
        return [("", first)]
    if kind == SYSTEM:
        return [(key, item) for key, item in first.items() if key not in _OURS]
    arguments = first.get("args", first.get("preview", []))
    keywords = first.get("kwargs", first.get("preview_kwargs", {}))
    listed = arguments if isinstance(arguments, list) else [arguments]
    named = keywords.items() if isinstance(keywords, dict) else ()
    return [*(("", item) for item in listed), *named]


def call_text(kind: str, name: str, payloads: Iterable[Payload], characters: int = CHARACTERS) -> str:
    """The call as it can be told from its arguments in the history, for when the session's log has no line of it."""
    items = given(kind, payloads)
    parts = [f"{key}={shown(item)}" if key and kind != SYSTEM else shown(item) for key, item in items]
    if kind == CHILD:
        return cut(f"start({', '.join([repr(name), *parts[:1]])})", characters)
    if kind == SIGNAL:
        return cut(f"signal {name}({', '.join(parts[:1])})", characters)
    return cut(f"{name}({', '.join(parts)})", characters)


def came_back(kind: str, name: str, payload: Payload | None) -> list[Any]:
    """The result of a step as the history has it; an empty list for nothing worth a line."""
    if payload is None:
        return []
    tree = value_of(payload)
    if kind != CHILD and isinstance(tree, dict) and "pickle" not in tree:
        tree = tree.get("result")
    if kind == READ and name == "get_value" and isinstance(tree, dict):
        tree = tree.get("value") if tree.get("found") else None
    return [] if kind == SYSTEM and (tree is None or name in _SILENT) else [tree]


def result_text(kind: str, name: str, payload: Payload | None, characters: int = CHARACTERS) -> str | None:
    """What came back; None for nothing worth a line."""
    found = came_back(kind, name, payload)
    return shown(found[0], characters) if found else None


def failure_text(failure: Failure | None, characters: int | None = _MESSAGE_CHARACTERS) -> str | None:
    """``ConnectionError: refused (main.py:41)``, cut unless ``characters`` is None."""
    if failure is None:
        return None
    failure = _innermost(failure)
    if failure.HasField("timeout_failure_info"):
        return _TIMEOUTS.get(failure.timeout_failure_info.timeout_type, f"timed out: {failure.message}")
    details = details_of(failure)
    if "message" not in details:
        text = failure.message
    else:
        kind = str(details.get("type", "")).removeprefix("builtins:").replace(":", ".")
        frames = details.get("frames") or []
        where = str(details.get("where") or (f"{frames[-1][0]}:{frames[-1][1]}" if frames else ""))
        text = ": ".join(part for part in (kind, str(details["message"])) if part)
        text = f"{text} ({where})" if where else text
    return text if characters is None else cut(text, characters)


def details_of(failure: Failure | None) -> dict[str, Any]:
    """What a failure of ours says about the exception; empty for any other."""
    if failure is None:
        return {}
    payloads = _innermost(failure).application_failure_info.details.payloads
    details = value_of(payloads[0]) if payloads else None
    return details if isinstance(details, dict) else {}


def _innermost(failure: Failure) -> Failure:
    while failure.HasField("cause") and not failure.HasField("application_failure_info"):
        failure = failure.cause
    return failure


def cut(text: str, characters: int) -> str:
    """The text, with an ellipsis where it is longer."""
    return text if len(text) <= characters else text[: characters - 1] + "…"
