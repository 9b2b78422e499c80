"""What the Temporal UI shows of a session that runs."""

from __future__ import annotations

from worker.session.output import Output


def shown(*prints: str) -> list[str]:
    """The current details after some prints, without what is waited for."""
    output = Output("p", "ses_1", "run_1", "main.py:on_event")
    output.clock = lambda: 0.0
    for text in prints:
        output.add("print", text)
    return output.details("waiting").splitlines()[:-2]


def test_the_last_lines_are_shown_whoever_printed_them():
    """Of a print with many lines its end, since that came last."""
    assert shown("a", "b\nc") == ["    a", "    b", "    c"]
    table = "\n".join(f"row {n}" for n in range(20))
    assert shown("title", table) == [f"    row {n}" for n in range(12, 20)]
    assert shown(table, "done")[-2:] == ["    row 19", "    done"]


def test_a_long_line_is_cut():
    """It says how long it is."""
    (line,) = shown("x" * 1000)
    assert line == f"    {'x' * 300}… (1000 characters)"


def test_without_prints_only_what_is_waited_for_is_shown():
    """No empty block stands above it."""
    assert Output("p", "ses_1", "run_1", "main.py:on_event").details("waiting") == "waiting"
