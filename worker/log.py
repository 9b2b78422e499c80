"""Structured operator logs on standard error, through one helper.

``AK_LOG_FORMAT=json`` writes one JSON object per line, anything else readable text. Never used inside sessions: what a
handler says goes to the session log.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterable
from typing import Any

from worker.masking import Mask

_LOGGER = logging.getLogger("autokitteh")


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
        entry: dict[str, Any] = {
            "at": self.formatTime(record),
            "level": record.levelname.lower(),
            "action": record.getMessage(),
        }
        entry |= getattr(record, "facts", {})
        if record.exc_info:
            entry["traceback"] = self.formatException(record.exc_info)
        return json.dumps(entry, default=str)

    def _text(self, record: logging.LogRecord) -> str:
        facts = getattr(record, "facts", {})
        parts = [f"{record.levelname.lower()}: {record.getMessage()}"]
        parts += [f"{name}={value}" for name, value in facts.items()]
        line = " ".join(parts)
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


def configure(level: str = "WARNING", *, as_json: bool = False, libraries: bool = True) -> None:
    """Send logs of this level and above to standard error; values hidden before stay hidden.

    ``libraries=False`` leaves the root logger alone: in a build process it is the user's program's.
    """
    hidden = {value for formatter in _formatters() for value in formatter.secrets}
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Formatter(as_json=as_json, secrets=hidden))
    target = logging.getLogger() if libraries else _LOGGER
    target.handlers[:] = [handler]
    target.setLevel(level.upper())
    _LOGGER.propagate = libraries


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
