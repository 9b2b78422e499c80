"""Structured operator logs on standard error, through one helper.

``AK_LOG_FORMAT=json`` writes one JSON object per line, anything else readable text. Never used inside sessions: what a
handler says goes to the session log.
"""

from __future__ import annotations

import json
import logging
import sys
from typing import Any

_LOGGER = logging.getLogger("autokitteh")


class Formatter(logging.Formatter):
    """Text for people, JSON for machines."""

    def __init__(self, *, as_json: bool) -> None:
        super().__init__()
        self._as_json = as_json

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        facts: dict[str, Any] = getattr(record, "facts", {})
        if self._as_json:
            head = {
                "at": self.formatTime(record),
                "level": record.levelname.lower(),
                "action": record.getMessage(),
            }
            return json.dumps(head | facts, default=str)
        text = " ".join(f"{name}={value}" for name, value in facts.items())
        line = f"{record.levelname.lower()}: {record.getMessage()} {text}".rstrip()
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


def configure(level: str = "WARNING", *, as_json: bool = False) -> None:
    """Send logs of this level and above to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Formatter(as_json=as_json))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())


def log(*, action: str, level: str = "info", exc_info: bool = False, **facts: Any) -> None:
    """One structured line: what happened, and the facts."""
    _LOGGER.log(logging.getLevelName(level.upper()), action, extra={"facts": facts}, exc_info=exc_info)
