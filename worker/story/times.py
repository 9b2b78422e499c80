"""Durations in words."""

from __future__ import annotations

import datetime as dt

_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86400.0


def length(seconds: float) -> str:
    """A duration as a person says it: ``12 ms``, ``3.2 s``, ``5 min 20 s``, ``2 h 5 min``, ``3 d 4 h``."""
    if seconds < 0.0995:
        return f"{max(seconds, 0) * 1000:.0f} ms"
    if seconds < _MINUTE - 0.05:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    for big, small, names in ((_DAY, _HOUR, "d h"), (_HOUR, _MINUTE, "h min"), (_MINUTE, 1.0, "min s")):
        if whole >= big:
            high, low = divmod(whole, int(big))
            first, second = names.split()
            rest = int(low // small)
            return f"{high} {first}" + (f" {rest} {second}" if rest else "")
    return f"{whole} s"


def spoken(moment: dt.datetime, now: dt.datetime, *, left: bool = True) -> str:
    """A moment as a person reads it: with its day where that is another one, and with how far away it is (``left``)."""
    seconds = (moment - now).total_seconds()
    local = moment.astimezone()
    day = "" if local.date() == now.astimezone().date() else f"{local:%Y-%m-%d} "
    return f"{day}{local:%H:%M:%S}" + (f" (in {length(seconds)})" if left and seconds > 0 else "")
