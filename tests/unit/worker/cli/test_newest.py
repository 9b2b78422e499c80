"""The newest sessions out of Temporal's lists."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace
from typing import Any

from worker.cli.newest import Newest, by_start

NOON = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)


def run(started: int, ended: int | None = None) -> Any:
    """An execution, in minutes before noon."""
    return SimpleNamespace(
        start_time=NOON - dt.timedelta(minutes=started),
        close_time=None if ended is None else NOON - dt.timedelta(minutes=ended),
    )


def test_those_that_began_last_are_kept_and_no_more_is_read_than_needed():
    """What ended a moment ago stands before what has slept for days; reading stops where nothing newer can come."""
    newest = Newest(3)
    read = []
    for part in ([run(4), run(5000), run(9000)], [run(2, 1), run(90, 3), run(6, 5), run(8, 7), run(11, 10)]):
        for execution in part:
            if newest.is_beyond(execution):
                break
            read.append(execution)
            newest.add(execution, {"started_at": execution.start_time})
    assert [(NOON - item["started_at"]).total_seconds() / 60 for item in newest.sessions] == [2, 4, 6]
    assert newest.executions[0].close_time is not None
    assert newest.back_to == NOON - dt.timedelta(minutes=6)
    assert len(read) == 6  # the one that ended 7 minutes ago began before


def test_there_is_room_until_there_are_enough():
    """Two of the same moment are both kept."""
    newest = Newest(3)
    for _ in range(2):
        newest.add(run(1), {"started_at": NOON})
    assert newest.back_to is None
    assert not newest.is_beyond(run(9000))
    assert [item["started_at"] for item in by_start(newest.sessions)] == [NOON, NOON]
