"""``pdb`` for a session: it shows and steps through the user's source, and nothing of how it is run.

Three things differ from a plain program. The user's code runs in greenlets on a thread of its own, so tracing is set
again after each switch. Calls pass the router, whose frames are not shown and not stopped in. And the guard that keeps a
session from the network is off while the prompt waits, and on while something typed is evaluated.
"""

from __future__ import annotations

import contextlib
import inspect
import os
import pdb  # noqa: T100 - this is the debugger
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

from greenlet import getcurrent

from worker.errors import CallError
from worker.usercode.callees import mark_of

_PROMPT = "(ak) "
INTERRUPTED_EXIT = 130
NO_CALLS = "the debugger makes no calls: the session's own have their recorded results"
_NAMES_FILE = ("Breakpoint ", "Deleted breakpoint ")
_REFUSAL = f"{CallError.__module__}.{CallError.__qualname__}: "
_WHERE = "_pdbcmd_print_frame_status"  # what pdb asks itself since Python 3.13, after all that was typed


def marked(frame: FrameType) -> bool:
    """Whether the frame is of a function, or a method, that is marked ``@activity``."""
    names = frame.f_code.co_qualname.split(".")
    found: Any = frame.f_globals.get(names[0])
    for name in names[1:]:
        found = getattr(found, name, None)
    return (
        getattr(inspect.unwrap(found), "__code__", None) is frame.f_code and bool(mark_of(found))
        if found
        else False
    )


class Prompt(pdb.Pdb):
    """The debugger of one session."""

    def __init__(self, directory: Path, guard: Any, commands: Sequence[str]) -> None:
        interactive = sys.stdin.isatty() and not commands
        plain: dict[str, Any] = {} if interactive else {"stdin": sys.stdin, "stdout": sys.stdout}
        super().__init__(nosigint=True, readrc=interactive, **plain)
        self.prompt = _PROMPT if interactive else ""
        self.cmdqueue = list(commands)
        self.asking: Any = None  # the greenlet at whose place the prompt stands
        self.before: Callable[[], None] = lambda: None
        self.stopped: Callable[[str], None] = lambda _where: None
        self._batch = bool(commands)
        self._roots = (f"{directory}{os.sep}", f"{os.path.realpath(directory)}{os.sep}")
        self._directory = directory
        self._guard = guard
        self._tracing = False
        self._interactive = interactive
        self._has_asked = False
        self._stopping = False  # it was interrupted, and stands before the next line of the user's

    def say(self, text: str) -> None:
        """A line between the prompts."""
        self.stdout.write(f"{text}\n")
        self.stdout.flush()

    def is_users(self, frame: FrameType) -> bool:
        """Whether the frame is of the project's own code."""
        name = frame.f_code.co_filename
        return name.startswith(self._roots) and "site-packages" not in name

    def stop(self, where: str = "", waiting: Sequence[FrameType] = ()) -> None:
        """Stand in the innermost frame of the user's that is being executed.

        A library's function on a thread of a pool has none: then in that of those that wait in which the call is
        written.

        Args:
            where: the line that asked for the call, ``main.py:12``.
            waiting: the innermost frames of the session's other threads.
        """
        frame = self._users(sys._getframe())
        if frame is None:
            frame = self._asked_at(where, waiting)
            if frame is not None and not self._stands_at(frame, where):
                self.say(f"the call is asked for at {where}; the session waits for it here:")
        if frame is None:
            return self.stop_at_first_line()
        sys.settrace(None)  # what is typed is not stepped into
        self._prime(frame)
        self.interaction(frame, None)
        return self.follow()

    def _users(self, frame: FrameType | None) -> FrameType | None:
        while frame is not None and not self.is_users(frame):
            frame = frame.f_back
        return frame

    def _asked_at(self, where: str, waiting: Sequence[FrameType]) -> FrameType | None:
        """The frame in which that line is written, best one that stands there."""
        path, _, line = where.rpartition(":")
        found = []
        for innermost in waiting:
            frame = self._users(innermost)
            while frame is not None:
                lines = {number for _, _, number in frame.f_code.co_lines()}
                if self._relative(frame) == path and int(line or 0) in lines:
                    found.append(frame)
                frame = self._users(frame.f_back)
        return min(found, key=lambda frame: not self._stands_at(frame, where), default=None)

    def _stands_at(self, frame: FrameType, where: str) -> bool:
        return f"{self._relative(frame)}:{frame.f_lineno}" == where

    def _relative(self, frame: FrameType) -> str:
        name = frame.f_code.co_filename
        return next((name.removeprefix(root) for root in self._roots if name.startswith(root)), name)

    def stop_at_first_line(self) -> None:
        """Stand in the first line of the user's that comes."""
        self._prime(sys._getframe())

    def follow(self) -> None:
        """Go on tracing, in a greenlet that begins or goes on: in the user's frames it has already, too."""
        if self._tracing:
            self._trace_from(sys._getframe())
            # Since Python 3.12 only a change reaches code that is under way: that of this greenlet.
            sys.settrace(None)
            sys.settrace(self.trace_dispatch)

    def interrupted(self, _signal: int, frame: FrameType | None) -> None:
        """Control-C, as pdb has it: at the prompt it is for the line that is typed, or what that does.

        The user's code is stopped in before its next line, also when it has just given up the thread. Where there was no
        prompt yet, or is none to come to, or no line comes and Control-C comes again, the process ends.
        """
        if self.asking:
            raise KeyboardInterrupt
        if self._stopping or not self._interactive or not self._has_asked:
            self.stdout.flush()
            os._exit(INTERRUPTED_EXIT)
        self._stopping = True
        self.say("\nProgram interrupted. (`c` goes on, `q` leaves; Control-C again leaves at once.)")
        self._prime(frame or sys._getframe())
        if self._users(frame) is not None:
            self.follow()

    def leave(self) -> None:
        """Trace no more."""
        self._tracing = False
        sys.settrace(None)

    def post_mortem(self, error: BaseException) -> None:
        """Stand where an error was raised."""
        self.before()
        self.say(f"{type(error).__name__}: {error}")
        self.reset()
        trace: TracebackType | None = error.__traceback__
        if self.get_stack(None, trace)[0]:
            self.interaction(None, trace)
        self._tracing = False

    def _prime(self, frame: FrameType) -> None:
        self.reset()
        self.botframe = self._trace_from(frame)
        self.set_step()
        self._tracing = True

    def _trace_from(self, frame: FrameType) -> FrameType:
        """Trace the user's frames of a stack; returns the outermost of all."""
        at: FrameType | None = frame
        while at is not None:
            if self.is_users(at):
                at.f_trace = self.trace_dispatch
            frame, at = at, at.f_back
        return frame

    # What bdb and pdb ask of the class.

    def stop_here(self, frame: FrameType) -> bool:
        """Only in the user's code."""
        return self.is_users(frame) and bool(super().stop_here(frame))

    def dispatch_call(self, frame: FrameType, arg: Any) -> Any:
        """Code of others is not traced line by line."""
        return super().dispatch_call(frame, arg) if self.is_users(frame) else None

    def set_continue(self) -> None:
        """Run to the next breakpoint, or to the end."""
        super().set_continue()
        self._tracing = bool(self.breaks)

    def get_stack(
        self, f: FrameType | None, t: TracebackType | None
    ) -> tuple[list[tuple[FrameType, int]], int]:
        """The user's frames."""
        stack, _ = super().get_stack(f, t)
        own = [item for item in stack if self.is_users(item[0])]
        return own, max(len(own) - 1, 0)

    def interaction(self, frame: FrameType | None, tb_or_exc: Any = None) -> None:
        """Ask what to do."""
        self._stopping = False
        self.before()
        self.before = lambda: None
        self._guard.disarm()
        self.asking, self._has_asked = getcurrent(), True
        stack, index = self.get_stack(frame, None if frame is not None else tb_or_exc)
        if stack:
            at, line = stack[index]
            self.stopped(f"{self._relative(at)}:{line}")
        try:
            super().interaction(frame, tb_or_exc)
        finally:
            self.asking = None
            self._guard.arm()

    def _cmdloop(self) -> None:
        if self.cmdqueue[-1:] == [_WHERE]:
            self.cmdqueue.insert(0, self.cmdqueue.pop())
        while True:
            try:
                self.allow_kbdint = False
                self.cmdloop()
            except KeyboardInterrupt:
                self.message("--KeyboardInterrupt--")
            else:
                return

    def postcmd(self, stop: bool, line: str) -> bool:
        """After the last command that was given, the session is left."""
        if self._batch and not self.cmdqueue and not stop:
            self.do_quit("")
        return super().postcmd(stop, line)

    def message(self, msg: str) -> None:
        """With the file as the user knows it, where pdb names one itself."""
        if str(msg).startswith(_NAMES_FILE):
            for root in reversed(self._roots):
                msg = msg.replace(root, "")
        super().message(msg)

    def error(self, msg: str) -> None:
        """Of what was refused, why, without what it is in our code; a remedy for the program is none for the prompt."""
        super().error(NO_CALLS if msg.startswith(_REFUSAL) else msg)

    def print_stack_entry(self, frame_lineno: tuple[FrameType, int], prompt_prefix: str = "\n-> ") -> None:
        """With the file as the user knows it."""
        frame, line = frame_lineno
        entry = self.format_stack_entry((frame, line), prompt_prefix)
        for root in reversed(self._roots):
            entry = entry.replace(root, "")
        marker = "> " if frame is self.curframe else "  "
        self.message(marker + entry)

    def lookupmodule(self, filename: str) -> str | None:
        """``b main.py:12`` means the project's file."""
        own = self._directory / filename
        if own.is_file():
            return self.canonic(str(own))
        found: str | None = super().lookupmodule(filename)
        return found

    def default(self, line: str) -> None:
        """A statement of the user's."""
        with self._evaluating():
            super().default(line)

    def _getval(self, arg: str) -> Any:
        with self._evaluating():
            return super()._getval(arg)

    @contextlib.contextmanager
    def _evaluating(self) -> Iterator[None]:
        """What was typed runs: without network, and without the functions that are steps in the program itself."""
        self._guard.arm()
        sys.setprofile(self._entered)
        try:
            yield
        finally:
            sys.setprofile(None)
            self._guard.disarm()

    def _entered(self, frame: FrameType, event: str, _arg: Any) -> None:
        """A function marked as an activity is called directly, for what is typed passes no router."""
        if event == "call" and self.is_users(frame) and marked(frame):
            raise CallError(NO_CALLS)

    def do_quit(self, arg: str) -> bool | None:
        """Leave; the session's code does not go on."""
        del arg
        self.stdout.flush()
        os._exit(0)

    do_q = do_exit = do_quit

    def do_EOF(self, arg: str) -> bool | None:  # noqa: N802 - pdb's name
        """The end of the input is the end."""
        return self.do_quit(arg)
