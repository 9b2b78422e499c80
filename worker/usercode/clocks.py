"""The clock that modules of the standard library read on behalf of a session.

``gzip.compress(data)`` and ``ZipFile.writestr(name, data)`` run inline and write the time into what they make, a log
record and a cookie have one, too. A replay has to make the same bytes: what is made from them may be an argument or a
key. So these modules are given a ``time`` that asks for the session's clock first; everywhere else it is Python's.
"""

from __future__ import annotations

import email.utils
import gzip
import http.cookies
import logging
import tarfile
import time
import zipfile
from collections.abc import Callable
from typing import Any

_READ_TIME = (gzip, logging, tarfile, zipfile)
_NANOSECONDS = 1_000_000_000


class Clock:
    """The module ``time``, with the time of the session that runs."""

    def __init__(self, now: Callable[[], int | None]) -> None:
        self._now = now

    def time(self) -> float:
        """Seconds since the epoch."""
        now = self._now()
        return time.time() if now is None else now / _NANOSECONDS

    def time_ns(self) -> int:
        """Nanoseconds since the epoch."""
        now = self._now()
        return time.time_ns() if now is None else now

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)


def install(now: Callable[[], int | None]) -> None:
    """Give the modules that clock, in this process.

    Args:
        now: the time of the session that runs on this thread, in nanoseconds since the epoch; None where none does.
    """
    clock = Clock(now)
    for module in _READ_TIME:
        vars(module)["time"] = clock

    def cookie_date(future: int = 0, *_names: Any) -> str:
        """As ``http.cookies`` writes the date so many seconds from now."""
        return email.utils.formatdate(clock.time() + future, usegmt=True)

    vars(http.cookies)["_getdate"] = cookie_date
