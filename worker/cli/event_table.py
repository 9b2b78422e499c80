"""Lists of events as text: whole in a pipe and with --wide; on a terminal what fits its width."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from worker import clock
from worker.cli.output import aligned, moment, table_with_rest, terminal_width

if TYPE_CHECKING:
    from worker.store.records import Event

_DATA = "DATA"
_ROOM_FOR_DATA = 40


def of_events(
    events: Sequence[Event],
    led_to: Sequence[str],
    said: Sequence[str],
    *,
    effect: str = "",
    wide: bool = False,
    projects: bool = False,
) -> str:
    """The table.

    Args:
        events: one in each row.
        led_to: what each led to, in words.
        said: its data in one line.
        effect: the heading of what each would lead to, of events of one project whose types do not matter.
        wide: nothing is shortened.
        projects: they can be of several.
    """
    if not events:
        return "nothing"
    columns = {"ID": [item.id for item in events]}
    if projects:
        columns["PROJECT"] = [item.project for item in events]
    columns["SOURCE"] = [item.source for item in events]
    if not effect:
        columns["TYPE"] = [item.event_type or "-" for item in events]
    columns["AT"] = [moment(item.created_at) for item in events]
    columns[effect or "LED TO"] = list(led_to)
    rows = [list(row) for row in zip(*columns.values(), strict=True)]
    width = terminal_width()
    whole = max(map(len, aligned(list(columns), rows).splitlines()))
    if wide or not width or whole + 2 + _ROOM_FOR_DATA <= width:
        return table_with_rest(list(columns), rows, _DATA, said, whole=wide)
    return _narrow(events, columns, said, width)


def _narrow(events: Sequence[Event], columns: dict[str, list[str]], said: Sequence[str], width: int) -> str:
    from worker.cli.narrow import squeezed
    from worker.cli.session_table import short, started

    now = clock.now()
    columns = columns | {
        "ID": short(columns["ID"]),
        "AT": [started(item.created_at, now) for item in events],
    }
    if len(set(columns.get("PROJECT", ["", " "]))) == 1:
        del columns["PROJECT"]
    if set(columns.get("TYPE", [])) == {"-"}:
        del columns["TYPE"]
    soft = [name for name in columns if name not in {"ID", "AT"}]
    return squeezed(columns, soft, _DATA, said, width)
