"""What the contracts promise about their own sizes."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from worker.contracts import brief, static_details

LIMIT_BYTES = 360  # of a summary as JSON: with its metadata the payload stays below a server's 400


def size(text: str) -> int:
    """The bytes of a text as they go to the server."""
    return len(json.dumps(text, ensure_ascii=False).encode())


@given(st.text(st.characters(), max_size=600))
def test_a_summary_is_the_text_or_its_beginning_and_fits(text):
    """Nothing that fits is changed; what is cut says so, keeps whole characters, and is as long as it may be."""
    found = brief(text)
    assert size(found) <= LIMIT_BYTES
    text = text.encode(errors="replace").decode()
    if size(text) <= LIMIT_BYTES:
        assert found == text
    else:
        assert found.endswith("…")
        assert text.startswith(found[:-1])
        assert size(found) > LIMIT_BYTES - 12


def test_details_of_a_session_made_from_another_one_name_it():
    """A fork with its step, a restart; and what had started the other one."""
    fork = {"forked_from": "ses_1", "forked_at": "3", "trigger": "orders", "event_id": "evt_1"}
    assert static_details("ses_2", fork).splitlines() == [
        "- fork of `ses_1` at step 3, which was started by trigger `orders`, event `evt_1`",
        "- what it did: `ak session show ses_2`",
        "- why: `ak event explain evt_1`",
    ]
    restart = static_details("ses_2", {"restarted_from": "ses_1"})
    assert restart.startswith("- restart of `ses_1`, which was started by hand\n")
