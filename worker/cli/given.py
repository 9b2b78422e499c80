"""What a person or a script gives to a command, read so that whatever is wrong with it is said in our words."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, NoReturn

from worker.errors import UsageError

MOST = 1_000_000_000  # of anything that is listed; databases count no further than 64 bits


def content(path: Path) -> bytes:
    """A file's bytes; of ``-`` those of standard input.

    Raises:
        UsageError: it cannot be read.
    """
    if str(path) == "-":
        return sys.stdin.buffer.read()
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None


def parsed(text: str | bytes) -> Any:
    """A value in JSON, and nothing that only Python takes for JSON.

    Raises:
        ValueError: with a reason that a person understands.
    """
    try:
        return json.loads(text, parse_constant=_no_constant)
    except json.JSONDecodeError:
        raise
    except UnicodeDecodeError:
        raise ValueError("it is no text") from None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except ValueError as error:
        reason = "a number in it is too long" if "digits" in str(error) else str(error)
        raise ValueError(reason) from None


def checked(arguments: list[str]) -> None:
    """The words of a command are text.

    Raises:
        UsageError: one has bytes that are not.
    """
    for word in arguments:
        try:
            word.encode()
        except UnicodeEncodeError:
            raise UsageError(f"the argument {word!r} is not UTF-8", hint="Write it as text.") from None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"JSON has no {name}")
