"""Tables and lines at the width of a terminal: nothing that is pasted is broken, nothing is wider than it must be."""

from __future__ import annotations

import pytest

from worker.cli.narrow import fitted, folded, squeezed, stacked
from worker.story.widths import width

URL = "http://127.0.0.1:9980/webhooks/0123456789abcdef0123456789abcdef"
LONG = "a_name_that_somebody_thought_about_for_quite_a_while_01234567"


def test_a_table_that_fits_is_one_line_for_each_row():
    """Aligned by cells, also of wide letters."""
    found = stacked(["NAME", "KIND"], [["日本", "webhook"], ["go", "schedule"]], 80)
    assert found.splitlines() == ["NAME  KIND", "日本  webhook", "go    schedule"]


def test_wide_columns_stand_below_their_row_in_one_piece():
    """The widest one first, by name; a dash is not worth a line."""
    rows = [[LONG, "webhook", URL, "main.py:on_order"], ["plain", "webhook", "-", "-"]]
    found = stacked(["NAME", "KIND", "FROM", "CALL"], rows, 80).splitlines()
    assert found == [
        f"{'NAME':<61}  KIND",
        f"{LONG}  webhook",
        f"  from: {URL}",
        "  call: main.py:on_order",
        f"{'plain':<61}  webhook",
    ]


def test_what_is_below_goes_on_and_comes_to_an_end():
    """Words go on in further lines; a value without end is cut."""
    rows = [["N", "many words " * 100], ["M", "x" * 10_000]]
    lines = stacked(["KEY", "VALUE"], rows, 80).splitlines()
    assert all(width(line) <= 80 for line in lines[:7])
    assert lines[1:3] == ["N", "  value: " + "many words " * 6 + "many"]
    assert lines[6].endswith(" …")
    assert sum(map(len, lines[8:])) <= 80 * 5 + len("  value:")


@pytest.mark.parametrize("room", [40, 60, 80, 120])
def test_a_squeezed_table_keeps_ids_and_cuts_names(room):
    """Whatever the names are; below 120 columns the data stand under their event."""
    columns = {"ID": ["evt_01234567", "evt_76543210"], "SOURCE": [LONG, "go"], "LED TO": ["1 started", "-"]}
    found = squeezed(columns, ["SOURCE", "LED TO"], "DATA", ['{"text": "' + "é漢" * 90 + '"}', ""], room)
    lines = found.splitlines()
    assert all(width(line) <= room for line in lines)
    assert [line.split()[0] for line in lines if line.startswith("evt_")] == columns["ID"]
    assert len(lines) == (3 if "DATA" in lines[0] else 4)


def test_lines_go_on_with_their_indent_and_commands_stay_whole():
    """A remedy can be pasted."""
    command = "`ak connection init " + "shop_" * 8 + " chat`"
    lines = folded(f"  Give the connection of the project credentials: {command}, then deploy", 60)
    assert lines[0].startswith("  Give")
    assert lines[1].startswith(f"    {command}")
    assert fitted("a line\n\n  another", 0) == "a line\n\n  another"
    assert fitted(f"x {URL} y", 30).splitlines() == ["x", f"  {URL}", "  y"]
