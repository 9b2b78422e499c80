"""The comparison with golden files: what is replaced, what is not, and what a difference looks like."""

from __future__ import annotations

import pytest

from tests.helpers import golden
from worker import ids


def test_identifiers_are_numbered_as_they_come():
    """The same one has the same number; a word that only looks like one stays."""
    one, two, slug = ids.new("dep"), ids.new("dep"), ids.slug()
    text = f"{one} {two} {one} /webhooks/{slug}/x {slug} dep_short ses_{slug}"
    assert golden.normalised(text) == "dep_1 dep_2 dep_1 /webhooks/slug_1/x slug_1 dep_short ses_1\n"


def test_times_ports_and_directories_lose_what_differs(tmp_path):
    """Directories are named by the caller, the longest first."""
    text = f"at 2026-11-28 10:00:01 on http://127.0.0.1:9981, {tmp_path}/a/b, {tmp_path}, took 3.2 s  "
    expected = "at TIME on http://127.0.0.1:PORT, A/b, DIR, took N s\n"
    assert golden.normalised(text, DIR=tmp_path, A=tmp_path / "a") == expected


def test_difference_is_shown(tmp_path, monkeypatch):
    """A file that says something else fails with both; writing it makes it pass."""
    monkeypatch.delenv("UPDATE_GOLDEN", raising=False)
    with pytest.raises(AssertionError, match=r"\+hello"):
        golden.check("hello", "some/thing", folder=tmp_path)
    monkeypatch.setenv("UPDATE_GOLDEN", "1")
    golden.check("hello", "some/thing", folder=tmp_path)
    monkeypatch.delenv("UPDATE_GOLDEN")
    golden.check("hello ", "some/thing", folder=tmp_path)
    with pytest.raises(AssertionError, match=r"(?s)-hello.*\+bye"):
        golden.check("bye", "some/thing", folder=tmp_path)
