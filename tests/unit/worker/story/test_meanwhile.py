"""What came while a session waited, in words."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import pytest

from worker.store.unmatched import Passed
from worker.story.meanwhile import meanwhile, of_events, of_signal

AT = dt.datetime(2026, 3, 1, 12, 0, 5).astimezone()


@pytest.mark.parametrize(
    ("item", "text"),
    [
        (
            Passed("aproved", 1, "sig_1", AT),
            "the signal aproved was sent at 12:00:05: did you mean approved?",
        ),
        (
            Passed("aproved", 2, "sig_1", AT),
            "the signal aproved was sent 2 times, last at 12:00:05: did you mean approved?",
        ),
        (Passed("started", 1, "sig_1", AT), "the signal started was sent at 12:00:05"),
    ],
)
def test_of_signal(item, text):
    """With the name that was probably meant."""
    assert of_signal(item, ["approved", "paid"]) == text


def test_of_events():
    """With the command that explains the last one."""
    assert (
        of_events(Passed("pay", 1, "evt_1", AT)) == "an event of pay was not for it: `ak event explain evt_1`"
    )
    assert (
        of_events(Passed("pay", 2, "evt_1", AT))
        == "2 events of pay were not for it: `ak event explain evt_1`"
    )


def test_what_looks_alike_comes_first():
    """Of many names only a few are told."""
    signals = [Passed(name, 1, "sig_1", AT) for name in ("a", "b", "c", "d", "aproved")]
    unmatched = SimpleNamespace(
        signals=lambda *_: (["approved"], signals), events=lambda *_: [Passed("pay", 1, "evt_1", AT)]
    )
    facts = {"project": "p", "id": "ses_1", "started_at": AT}
    told = meanwhile(SimpleNamespace(unmatched=unmatched), facts)
    assert len(told) == 4
    assert told[0].startswith("the signal aproved ")
    assert told[3].startswith("an event of pay ")
