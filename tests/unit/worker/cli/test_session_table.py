"""The table of ``ak session list``."""

from __future__ import annotations

import datetime as dt

from worker.cli.session_table import Look, short, started, text_of
from worker.story.model import Wait
from worker.story.widths import width

NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
UI = "http://127.0.0.1:8233/namespaces/default/workflows/"


def session(identifier: str, **changes: object) -> dict[str, object]:
    """One that completed."""
    facts: dict[str, object] = {
        "id": f"ses_{identifier:x<26}",
        "project": "shop",
        "handler": "main.py:on_order",
        "state": "completed",
        "trigger": "orders",
        "started_at": NOW - dt.timedelta(seconds=9),
        "ended_at": NOW,
        "problem": None,
        "waits_for": [],
        "last_error": None,
        "ui": f"{UI}ses_{identifier:x<26}",
    }
    return facts | changes


SESSIONS = [
    session("1" * 20, state="running", ended_at=None, waits_for=[Wait("the signal approved at main.py:3")]),
    session(
        "1" * 19, state="error", last_error="ValueError: 漢字" + "漢字" * 60, handler="a/" * 30 + "m.py:f"
    ),
    session("2", only_log=True, ui=None, trigger=None),
    session("3", project="other", problem={"code": "AK1600", "message": "another step"}, state="running"),
]


def test_a_list_fits_a_terminal_of_80_columns():
    """No line is wider; ids are beginnings that are unique; what does not fit beside a session stands below it."""
    lines = text_of(SESSIONS, Look(width=80), NOW).splitlines()
    assert max(map(width, lines)) <= 80
    shown = [line.split()[0] for line in lines[1:] if not line.startswith(" ")]
    assert shown == ["ses_" + "1" * 20, "ses_" + "1" * 19 + "x", "ses_2xxxxxxx", "ses_3xxxxxxx"]
    assert "  ↳ the signal approved at main.py:3" in lines
    assert "  ↳ (only its log is left)" in lines
    assert "  ↳ AK1600: another step" in lines


def test_columns_that_say_least_are_dropped_where_there_is_no_room():
    """The trigger first, then how long it took; id, handler, state and time stay."""
    sessions = [item | {"handler": "main.py:on_order"} for item in SESSIONS[2:]]
    heads = [text_of(sessions, Look(width=w), NOW).splitlines()[0].split() for w in (90, 70, 60)]
    assert heads[0] == ["ID", "PROJECT", "HANDLER", "STATE", "TRIGGER", "STARTED", "TOOK"]
    assert heads[1] == ["ID", "PROJECT", "HANDLER", "STATE", "STARTED", "TOOK"]
    assert heads[2] == ["ID", "PROJECT", "HANDLER", "STATE", "STARTED"]


def test_a_wide_terminal_and_a_pipe_show_all():
    """Whole ids, dates and projects, one line for each."""
    for look in (Look(width=200), Look(), Look(whole=True)):
        lines = text_of(SESSIONS[:1], look, NOW).splitlines()
        assert len(lines) == 2
        assert lines[1].startswith(f"{SESSIONS[0]['id']}  shop     main.py:on_order  running  orders ")
        assert lines[1].endswith("the signal approved at main.py:3")


def test_links_go_to_the_whole_id_and_colours_only_where_asked_for():
    """The shown beginning of an id is a link to the session; one of which only a log is left has none."""
    look = Look(width=80, colours=True, with_links=True, link=lambda text, url: f"<{text}|{url}>")
    text = text_of(SESSIONS, look, NOW)
    assert f"<ses_{'1' * 20}|{UI}ses_{'1' * 20}xxxxxx>" in text
    assert f"\n    {UI}ses_3" in text
    assert "workflows/ses_2" not in text
    assert "\x1b[31merror" in text
    assert "\x1b" not in text_of(SESSIONS, Look(width=80), NOW)


def test_ids_are_as_short_as_they_can_be_told_apart():
    """Eight characters behind the prefix, more where they begin alike; one that is the beginning of another is whole."""
    assert short(["ses_0123456789", "ses_0123456799"]) == ["ses_012345678", "ses_012345679"]
    assert short(["order", "order-7", "ses_aaaaaaaaaaaa"]) == ["order", "order-7", "ses_aaaaaaaa"]


def test_times_are_as_short_as_they_can_be():
    """A time today, day and time this year, a day before."""
    assert len(started(NOW, NOW)) == len("12:00:00")
    assert len(started(NOW - dt.timedelta(days=20), NOW)) == len("02-09 12:00")
    assert started(NOW - dt.timedelta(days=400), NOW)[:4] == "2025"
