"""The writing down of what somebody at a terminal does."""

from __future__ import annotations

import pytest

from tests.helpers.transcripts import Transcript, record


@pytest.fixture
def transcript(up) -> Transcript:
    """Type commands beside the ``ak up`` of this file."""
    return lambda name, *commands, **names: record(up, name, *commands, **names)
