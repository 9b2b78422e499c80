"""What commands print: text that a terminal shows and does not obey."""

from __future__ import annotations

import io

import pytest

from worker.cli.output import Output, shown


class Terminal(io.StringIO):
    """One that shows colours."""

    def isatty(self) -> bool:
        """It is."""
        return True


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("two\nlines\twith a tab", "two\nlines\twith a tab"),
        ("from a request\r\n", "from a request\n"),
        ("over\rwritten", "over\\rwritten"),
        ("title \x1b]0;owned\x07", "title \\x1b]0;owned\\x07"),
        ("clear \x1b[2J and \x9b2J", "clear \\x1b[2J and \\x9b2J"),
        ("nothing \x00\x7f", "nothing \\x00\\x7f"),
        ("é — 漢", "é — 漢"),
    ],
)
@pytest.mark.parametrize("stream", [io.StringIO(), Terminal()])
def test_shown_leaves_nothing_that_a_terminal_obeys(text, told, stream):
    """Whatever a session printed, or a request brought."""
    assert shown(text, stream) == told


def test_shown_keeps_colours_and_links_on_a_terminal_only():
    """They are ours; in a pipe nobody writes any."""
    text = "\x1b[1;31mred\x1b[0m \x1b]8;;http://127.0.0.1/\x1b\\ses_1\x1b]8;;\x1b\\"
    assert shown(text, Terminal()) == text
    assert "\x1b" not in shown(text, io.StringIO())


def test_what_is_told_is_json_where_standard_error_is_a_log(capsys):
    """Also the lines beside an answer that is JSON."""
    out = Output(as_json=True)
    out.logs_json = True
    out.say("shop: starting …")
    assert '"action": "progress", "text": "shop: starting \\u2026"' in capsys.readouterr().err
