"""Structured operator logs on standard error, through one helper.

``AK_LOG_FORMAT=json`` writes one JSON object per line, anything else readable text. Never used inside sessions: what a
handler says goes to the session log.

Temporal's client library logs as well; its lines get the same shape, with the session they are about as a fact. What it
says of a call that failed ends with the error: where the user's code raised it stands in the session's log, and the
frames in between are ours.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import sys
from collections.abc import Iterable, Mapping
from typing import Any

from worker import clock
from worker.masking import Mask

_LOGGER = logging.getLogger("autokitteh")
_TEMPORAL = logging.getLogger("temporalio")
# Of what Temporal's library says about a call or a session: its name, and ours.
_ABOUT = {
    "workflow_id": "session",
    "workflow_run_id": "run",
    "run_id": "run",
    "workflow_type": "handler",
    "activity_type": "call",
    "attempt": "attempt",
}


class Formatter(logging.Formatter):
    """Text for people, JSON for machines; secret values in neither."""

    def __init__(self, *, as_json: bool, secrets: Iterable[str] = ()) -> None:
        super().__init__()
        self._as_json = as_json
        self._mask = Mask(secrets)

    @property
    def secrets(self) -> frozenset[str]:
        """What is hidden."""
        return self._mask.values

    def mask(self, secrets: Iterable[str]) -> None:
        """Hide these values from now on."""
        self._mask = self._mask.adding(secrets)

    def format(self, record: logging.LogRecord) -> str:
        """One entry."""
        return self._mask(self._json(record) if self._as_json else self._text(record))

    def _json(self, record: logging.LogRecord) -> str:
        action, facts, traceback = self._parts(record)
        entry: dict[str, Any] = {"at": moment(record.created), "level": record.levelname.lower()}
        if hasattr(record, "facts") or facts:
            entry |= {"action": action, **facts}
        else:  # a library's
            entry |= {"action": "output", "logger": record.name, "text": action}
        if traceback:
            entry["traceback"] = traceback
        return json.dumps(entry, default=str)

    def _text(self, record: logging.LogRecord) -> str:
        action, facts, traceback = self._parts(record)
        parts = [f"{record.levelname.lower()}: {action}"]
        parts += [f"{name}={value}" for name, value in facts.items()]
        line = " ".join(parts)
        return f"{line}\n{traceback}" if traceback else line

    def _parts(self, record: logging.LogRecord) -> tuple[str, dict[str, Any], str]:
        """What happened, the facts, and the traceback, if there is one to be told."""
        action = record.getMessage()
        facts: dict[str, Any] = dict(getattr(record, "facts", {}))
        about = getattr(record, "temporal_activity", None) or getattr(record, "temporal_workflow", None)
        if isinstance(about, Mapping):
            action = action.partition(" ({")[0]
            facts |= {ours: about[theirs] for theirs, ours in _ABOUT.items() if theirs in about}
        if not record.exc_info:
            return action, facts, ""
        error = record.exc_info[1]
        if isinstance(about, Mapping) and type(error).__name__ == "ApplicationError":
            return action, {**facts, "error": str(getattr(error, "message", error))}, ""
        return action, facts, self.formatException(record.exc_info)


def moment(seconds: float) -> str:
    """When, as every machine reads it."""
    return dt.datetime.fromtimestamp(seconds, dt.UTC).isoformat(timespec="milliseconds")


def entry_of(text: str, action: str = "output") -> str:
    """One JSON object for a line of text, whoever wrote it; what is one already stays as it is."""
    try:
        known = isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        known = False
    entry = {"at": moment(clock.now().timestamp()), "level": "info", "action": action, "text": text}
    return text if known else json.dumps(entry)


def configure(level: str = "WARNING", *, as_json: bool = False, libraries: bool = True) -> None:
    """Send logs of this level and above to standard error; values hidden before stay hidden.

    ``libraries=False`` leaves the root logger alone, which in a build process is the user's program's; of libraries,
    only Temporal's speaks here then.
    """
    hidden = {value for formatter in _formatters() for value in formatter.secrets}
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Formatter(as_json=as_json, secrets=hidden))
    target = logging.getLogger() if libraries else _LOGGER
    target.handlers[:] = [handler]
    target.setLevel(level.upper())
    _LOGGER.propagate = libraries
    if not libraries:
        _TEMPORAL.handlers[:] = [handler]
        _TEMPORAL.propagate = False


def mask(values: Iterable[str]) -> None:
    """Never write these values to the log; call it after ``configure``."""
    values = list(values)
    for formatter in _formatters():
        formatter.mask(values)


def log(*, action: str, level: str = "info", exc_info: bool = False, **facts: Any) -> None:
    """One structured line: what happened, and the facts."""
    _LOGGER.log(
        logging.getLevelNamesMapping()[level.upper()], action, extra={"facts": facts}, exc_info=exc_info
    )


def _formatters() -> list[Formatter]:
    found = (handler.formatter for handler in [*logging.getLogger().handlers, *_LOGGER.handlers])
    return [formatter for formatter in found if isinstance(formatter, Formatter)]
