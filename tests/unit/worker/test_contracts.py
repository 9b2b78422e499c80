"""What the contracts promise about their own sizes."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from worker.contracts import brief

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
