"""Texts in the cells of a terminal: wide characters take two, and what would steer the terminal is made visible. Pure.

What programs print and what arrives from outside may hold anything: an escape sequence shown as it is could move the
cursor or clear what was said before. Colours are dropped, any other control character is shown as a picture of itself.
"""

from __future__ import annotations

import re
import textwrap

from rich.cells import cell_len, chop_cells

_COLOURS = re.compile(r"\x1b\[[0-9;:]*m")
_CONTROLS = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_TAB = " " * 4
_PICTURES, _DELETE = 0x2400, 0x7F


def printable(text: str) -> str:
    """The text without colours, and with every other control character but the line feed made visible."""
    if text.isprintable():
        return text
    return _CONTROLS.sub(_picture, _COLOURS.sub("", text))


def _picture(match: re.Match[str]) -> str:
    code = ord(match[0])
    if match[0] == "\t":
        return _TAB
    if code < ord(" "):
        return chr(_PICTURES + code)
    return "␡" if code == _DELETE else ascii(match[0]).strip("'")


def width(text: str) -> int:
    """How many cells the text takes."""
    return len(text) if text.isascii() else cell_len(text)


def cut(text: str, room: int) -> str:
    """The text, with an ellipsis where it is wider than the room."""
    if width(text) <= room:
        return text
    return (text[: room - 1] if text.isascii() else chop_cells(text, room - 1)[0]) + "…"


def cut_start(text: str, room: int) -> str:
    """The end of the text, after an ellipsis where it is wider than the room: of a path the name."""
    while width(text) > room:
        text = "…" + text.removeprefix("…")[1:]
    return text


def padded(text: str, room: int) -> str:
    """The text with blanks behind it, as wide as the room."""
    return text + " " * max(room - width(text), 0)


def wrap(text: str, room: int, lines: int) -> list[str]:
    """The words of a text over at most so many lines."""
    words = " ".join(text.split())
    if words.isascii():
        return textwrap.wrap(words, room, max_lines=lines, placeholder=" …") or [""]
    found = [""]
    for word in words.split(" "):
        joined = f"{found[-1]} {word}" if found[-1] else word
        if width(joined) <= room:
            found[-1] = joined
        else:
            found[-1:] = [*([found[-1]] if found[-1] else []), *chop_cells(word, room)]
    if len(found) > lines:
        found[lines - 1 :] = [cut(found[lines - 1], room - 2).removesuffix("…") + " …"]
    return found
