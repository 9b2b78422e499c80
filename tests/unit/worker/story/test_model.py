"""What a session waits for, in words."""

from __future__ import annotations

import datetime as dt

from worker.story.model import Wait

NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)


def test_a_call_that_is_tried_again_says_which_attempt_when_and_what_went_wrong():
    """Before the next attempt begins, while it runs, and for programs."""
    at = NOW + dt.timedelta(seconds=8)
    wait = Wait("main.bank(70)", until=at, attempt=4, failure="ConnectionError: refused")
    clock = f"{at.astimezone():%H:%M:%S}"
    failed = "attempt 3 failed: ConnectionError: refused"
    assert wait.told(NOW) == f"main.bank(70), attempt 4 at {clock} (in 8.0 s): {failed}"
    assert wait.told(at) == f"main.bank(70), attempt 4: {failed}"
    assert wait.as_document() == f"main.bank(70), attempt 4 at {at.isoformat()}: {failed}"
