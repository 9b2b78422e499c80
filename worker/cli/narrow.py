"""Text for a terminal of some width: tables whose wide columns move below, lines that go on in further ones. Pure.

Names, ids and URLs stay in one piece, so that they can be pasted; only texts that another command shows whole are cut.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping, Sequence

from worker.story import widths

_GAP = "  "
_LEAST_CELLS = 8
_BESIDE = 30  # cells for the last column, to stand beside the others
_LINES_BELOW = 5
_FEWEST_CELLS = 20
_HELD = "\0"
_COMMAND = re.compile(r"`[^`\n]+`")


def stacked(headers: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> str:
    """A table; the widest columns but the first stand below each row, by name, where the width is short."""
    beside = list(range(len(headers)))
    cells = [max(widths.width(row[at]) for row in [headers, *rows]) for at in beside]
    while len(beside) > 1 and sum(cells[at] + len(_GAP) for at in beside) - len(_GAP) > width:
        beside.remove(max(beside[1:], key=lambda at: cells[at]))
    below = [at for at in range(len(headers)) if at not in beside]
    lines = [_row([headers[at] for at in beside], [cells[at] for at in beside])]
    for row in rows:
        lines.append(_row([row[at] for at in beside], [cells[at] for at in beside]))
        for at in below:
            if row[at] not in {"", "-"}:
                lines += _below(f"{headers[at].lower()}: {row[at]}", width)
    return "\n".join(lines)


def _row(texts: Sequence[str], cells: Sequence[int]) -> str:
    return _GAP.join(widths.padded(text, room) for text, room in zip(texts, cells, strict=True)).rstrip()


def _below(text: str, width: int) -> list[str]:
    lines = folded(f"  {text}", width)
    if len(lines) > _LINES_BELOW:
        lines[_LINES_BELOW - 1 :] = [widths.cut(lines[_LINES_BELOW - 1], width - 2).removesuffix("…") + " …"]
    most = width * _LINES_BELOW  # one word can be longer than all of this
    return [widths.cut(line, most) for line in lines]


def squeezed(
    columns: Mapping[str, list[str]], soft: Sequence[str], last: str, texts: Sequence[str], width: int
) -> str:
    """A table whose ``soft`` columns are cut, the widest first; the last column stands below the rows for want of room.

    Args:
        columns: the cells of each column, by its name.
        soft: names of those that may be cut; of the others nothing is left out.
        last: the name of the last column.
        texts: its cells, each cut to one line.
        width: the terminal's.
    """
    cells = {name: max(map(widths.width, [name, *column])) for name, column in columns.items()}
    room = width - sum(cells.values()) - len(_GAP) * len(cells)
    while room < -len(_GAP):
        widest = max((name for name in soft if name in cells), key=lambda name: cells[name], default="")
        if not widest or cells[widest] <= max(_LEAST_CELLS, len(widest)):
            break
        cells[widest] -= 1
        room += 1
    beside = room >= _BESIDE
    lines = [_row([*cells, *([last] if beside else [])], [*cells.values(), *([0] if beside else [])])]
    for number, told in enumerate(texts):
        text = " ".join(widths.printable(told).split("\n"))
        row = [widths.cut(columns[name][number], limit) for name, limit in cells.items()]
        lines.append(
            _row(
                [*row, *([widths.cut(text, room)] if beside else [])],
                [*cells.values(), *([0] if beside else [])],
            )
        )
        if text and not beside:
            lines.append(widths.cut(f"  ↳ {text}", width))
    return "\n".join(lines)


def folded(line: str, width: int) -> list[str]:
    """A line in several, cut at blanks, the further ones indented by two more; commands in backticks stay whole."""
    if not width or widths.width(line) <= width:
        return [line]
    indent = line[: len(line) - len(line.lstrip())]
    found = textwrap.wrap(
        _COMMAND.sub(lambda command: command[0].replace(" ", _HELD), line),
        max(width, len(indent) + _FEWEST_CELLS),
        initial_indent="",
        subsequent_indent=f"{indent}  ",
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [part.replace(_HELD, " ") for part in found]


def fitted(text: str, width: int) -> str:
    """Each line of a text so; all of it as it is where there is no width."""
    return "\n".join(part for line in text.split("\n") for part in folded(line, width)) if width else text
