"""What is said of values of variables."""

from __future__ import annotations

import pytest

from worker.cli.output import Output
from worker.cli.var import blank_ends, shown_value, warn_of


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("token-123456", ""),
        ("two words", ""),
        ("token-123456\n", "ends with a line break"),
        ("token-123456 \r", "ends with a line break"),
        (" token-123456", "begins with a blank"),
        ("\ttoken-123456 ", "begins with a blank and ends with a blank"),
        ("-----BEGIN KEY-----\nabc\n-----END KEY-----\n", ""),
        (" ", ""),
        ("", ""),
    ],
)
def test_blanks_at_the_ends_of_one_line_are_told(value, told, capsys):
    """Never with the value itself; a key of several lines may end its last one."""
    assert blank_ends(value) == told
    assert shown_value(None, value) == ("•" * 6 + f" ({told})" if told else "•" * 6)
    warn_of(Output(as_json=False), "TOKEN", value, seen=False)
    said = capsys.readouterr().err
    assert (f"warning: TOKEN {told}, which is part of it" in said) == bool(told)
    assert "123456" not in said
