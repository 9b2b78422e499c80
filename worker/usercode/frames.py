"""The user's frames of a traceback, as text and as ``file:line``. Nothing here ever raises."""

from __future__ import annotations

import linecache
import os
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, TracebackType

from autokitteh import AutoKittehError
from worker.errors import WorkerError

_CHAIN_LIMIT = 20
_FRAMES_LIMIT = 60
_MEMBERS_LIMIT = 15  # of a group that are shown, as in Python
_TRACEBACK = "Traceback (most recent call last):"
_GROUPS_LIMIT = 5  # of groups inside groups
# Installed code, also where it lies inside the project's directory.
_INSTALLED = ("site-packages", "dist-packages", "node_modules")


@dataclass(frozen=True)
class Frame:
    """One frame of the user's code; ``path`` is relative to the project."""

    path: str
    line: int
    name: str
    text: str


def user_frames(source: BaseException | TracebackType | None, directory: Path) -> list[Frame]:
    """The frames inside the project, outermost first."""
    tb = source.__traceback__ if isinstance(source, BaseException) else source
    root = f"{os.path.realpath(directory)}{os.sep}"
    plain = f"{directory}{os.sep}"
    found = []
    while tb is not None:
        code = tb.tb_frame.f_code
        for prefix in (root, plain):
            if code.co_filename.startswith(prefix) and _is_users(code.co_filename.removeprefix(prefix)):
                text = linecache.getline(code.co_filename, tb.tb_lineno).strip()
                found.append(Frame(code.co_filename.removeprefix(prefix), tb.tb_lineno, code.co_name, text))
                break
        tb = tb.tb_next
    return found


def _is_users(relative: str) -> bool:
    return not any(part.startswith(".") or part in _INSTALLED for part in Path(relative).parts)


def where(error: BaseException, directory: Path) -> str:
    """``main.py:33``: the innermost frame of the user's; empty when there is none."""
    found = user_frames(error, directory)
    return f"{found[-1].path}:{found[-1].line}" if found else ""


def calling_line(directory: Path) -> str:
    """``main.py:41``: the innermost line of the user's that is being executed; empty when there is none."""
    roots = {f"{directory}{os.sep}", f"{os.path.realpath(directory)}{os.sep}"}
    frame = sys._getframe(1)
    while frame is not None:
        name = frame.f_code.co_filename
        for root in roots:
            if name.startswith(root):
                return f"{name.removeprefix(root)}:{frame.f_lineno}"
        if frame.f_back is None:
            break
        frame = frame.f_back
    return ""


def waiting(frame: FrameType | None, directory: Path) -> str:
    """The user's frames from this one outwards, in Python's own layout, outermost first; empty when there are none."""
    roots = (f"{directory}{os.sep}", f"{os.path.realpath(directory)}{os.sep}")
    found: list[str] = []
    while frame is not None:
        name = frame.f_code.co_filename
        root = next((item for item in roots if name.startswith(item)), None)
        if root is not None:
            text = linecache.getline(name, frame.f_lineno).strip()
            where = f'  File "{name.removeprefix(root)}", line {frame.f_lineno}, in {frame.f_code.co_name}'
            found.append(f"{where}\n    {text}" if text else where)
        frame = frame.f_back
    return "\n".join(reversed(found))


def render(error: BaseException, directory: Path, remote: Sequence[Frame] = (), depth: int = 0) -> str:
    """The traceback in Python's own layout, with the user's frames only; causes, notes and members of groups included.

    Args:
        error: the exception.
        directory: the project.
        remote: frames of the user's in another process, where the exception was first raised.
        depth: how many groups the exception stands in.
    """
    blocks: list[str] = []
    seen: set[int] = set()
    current: BaseException | None = error
    link = ""
    while current is not None and id(current) not in seen and len(blocks) < _CHAIN_LIMIT:
        seen.add(id(current))
        frames = user_frames(current, directory) + list(remote if current is error else _remote(current))
        blocks.append(_block(current, frames) + _members(current, directory, depth) + link)
        if current.__cause__ is not None:
            current, link = (
                current.__cause__,
                "\n\nThe above exception was the direct cause of the following exception:\n",
            )
        elif current.__context__ is not None and not current.__suppress_context__:
            current, link = (
                current.__context__,
                "\n\nDuring handling of the above exception, another exception occurred:\n",
            )
        else:
            current = None
    return "\n".join(reversed(blocks))


def _remote(error: BaseException) -> list[Frame]:
    found = getattr(error, "__dict__", {}).get("__ak_frames__", [])
    return [Frame(*frame) for frame in found]


def _block(error: BaseException, frames: Sequence[Frame]) -> str:
    lines = [_TRACEBACK] if frames else []
    hidden = len(frames) - _FRAMES_LIMIT
    shown = list(frames) if hidden <= 0 else [*frames[: _FRAMES_LIMIT // 2], *frames[-_FRAMES_LIMIT // 2 :]]
    for number, frame in enumerate(shown):
        if hidden > 0 and number == _FRAMES_LIMIT // 2:
            lines.append(f"  … {hidden} more frames")
        lines.append(f'  File "{frame.path}", line {frame.line}, in {frame.name}')
        if frame.text:
            lines.append(f"    {frame.text}")
    lines.append(_headline(error))
    return "\n".join(lines)


def _members(error: BaseException, directory: Path, depth: int) -> str:
    """Each error of a group with its own traceback, further to the right."""
    if not isinstance(error, BaseExceptionGroup):
        return ""
    lines = []
    for number, member in enumerate(error.exceptions[:_MEMBERS_LIMIT], 1):
        told = render(member, directory, depth=depth + 1) if depth < _GROUPS_LIMIT else _headline(member)
        first, *more = told.splitlines() or [""]
        if first == _TRACEBACK:
            lines += [f"member {number}:", *(f"  {line}" for line in (first, *more))]
        else:
            lines += [f"member {number}: {first}", *(f"  {line}" for line in more)]
    hidden = len(error.exceptions) - _MEMBERS_LIMIT
    if hidden > 0:
        lines.append(f"… {hidden} more members")
    return "".join("\n" + f"  {line}".rstrip() for line in lines)


def coded(error: WorkerError) -> str:
    """The error with its code and remedy; its place is what the frames above it say."""
    text = f"{error.code}: {error.message}"
    return f"{text}\n  {error.hint}" if error.hint else text


def _headline(error: BaseException) -> str:
    if isinstance(error, WorkerError):  # an error of ours, which has a code instead of a class they know
        return coded(error)
    try:
        text = "".join(traceback.format_exception_only(error)).rstrip()
        return f"{text} [{error.code}]" if isinstance(error, AutoKittehError) else text
    except Exception:
        # ``type.__qualname__`` of a class whose metaclass raises on any question.
        name: str = type.__getattribute__(type(error), "__qualname__")
        return f"{name}: <its message cannot be shown>"
