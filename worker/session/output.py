"""Lines of the session log, numbered so that a replay writes none twice.

Rules:

1. Every line and every call takes the next number, in replay as well: the numbers are a function of the history.
2. Lines of an activation that replays are counted and dropped.
3. The lines of one activation leave as one batch which replaces the run's lines from its first number on: lines of
   a task that was never acknowledged may differ when the task runs again.
4. A session that was moved to another version may have other lines up to the place where it waits: its next lines
   begin at numbers that no line of the version before can have, so that what was acknowledged stays as it was. What a
   process of that version left unacknowledged is named by the task (``acknowledged``), since numbers say nothing there.
"""

from __future__ import annotations

from collections.abc import Callable

from temporalio import workflow

from worker.contracts import LogBatch, LogLine

_DETAILS_LINES = 8  # the last printed lines shown in the Temporal UI
_DETAILS_WIDTH = 300  # characters of each
_TEXT_LIMIT = 32_768  # characters of one line
_MOVE = 1_000_000  # more lines than a session can write between two moves


class Output:
    """Collects the lines of one run."""

    def __init__(
        self,
        project: str,
        workflow_id: str,
        run_id: str,
        handler: str,
        first: int = 0,
        hear: Callable[[str, str, str], None] | None = None,
        mask: Callable[[str], str] = str,
        origin: str = "",
    ) -> None:
        self._hear = hear
        self.clock: Callable[[], float] = workflow.time
        self._project = project
        self._workflow_id = workflow_id
        self._run_id = run_id
        self._mask = mask
        self._origin = origin  # of a run that has no details of its own in the Temporal UI
        self._next = first
        self._first = first
        self._start = first
        self._moves = 0
        self._version = ""  # that handled the activation before
        self._task = 0  # of the activation before
        self._acknowledged: int | None = None
        self._handler = handler
        self.event_id = ""  # of the event that started the session
        self._lines: list[LogLine] = []
        self._first_live = True
        self._recent: list[str] = []
        self.begun = ""  # a line written without its end

    @property
    def upcoming(self) -> int:
        """The number that the next line takes."""
        return self._next

    def number(self) -> int:
        """Take the next number, for a call whose activity may print under it."""
        self._next += 1
        return self._next - 1

    def add(self, kind: str, text: str, where: str = "", *, number: int | None = None) -> None:
        """Append one line."""
        number = self.number() if number is None else number
        text = self._mask(text)
        text = cut(text, _TEXT_LIMIT)
        if kind == "print":
            last = [cut(line, _DETAILS_WIDTH) for line in text.splitlines()[-_DETAILS_LINES:]]
            self._recent = [*self._recent, *last][-_DETAILS_LINES:]
        if self._hear is not None:
            self._hear(kind, text, where)
        self._lines.append(LogLine(number, self.clock(), kind, text, where))

    def skip(self) -> None:
        """Take a number for a line that goes somewhere else."""
        self.number()

    def end_line(self) -> None:
        """The program is over: a line that it has begun is a line."""
        if self.begun:
            begun, self.begun = self.begun, ""
            self.add("print", begun)

    def begin(self, version: str = "") -> None:
        """An activation begins: what follows belongs to it. ``version`` is the build that has it, or had it."""
        self._acknowledged = None
        if version and self._version and version != self._version:
            self._moves += 1
            self._next = max(self._next, self._start + self._moves * _MOVE)
            self._acknowledged = self._task
        self._first = self._next
        self._lines = []

    def take(self, *, replaying: bool, task: int = 0, version: str = "") -> LogBatch | None:
        """The batch of the activation that just ended, or None when there is nothing to write.

        The first activation after a replay always writes: an earlier process may have left lines of a task
        that was never acknowledged. ``task`` is the length of the history the activation knows.
        """
        self._version, self._task = version or self._version, task
        if replaying or not (self._lines or self._first_live):
            return None
        self._first_live = False
        lines, self._lines = self._lines, []
        return LogBatch(
            self._project,
            self._workflow_id,
            self._run_id,
            self._first,
            lines,
            handler=self._handler,
            event_id=self.event_id,
            task=task,
            acknowledged=self._acknowledged,
        )

    def details(self, waiting_for: str) -> str:
        """What the Temporal UI shows as current details: the last printed lines, and what is waited for."""
        lines = [f"    {line}" for line in self._recent]
        parts = [self._origin, "\n".join(lines), self._mask(waiting_for)]
        return "\n\n".join(part for part in parts if part)


def cut(text: str, limit: int) -> str:
    """The text, or its beginning and how long it is."""
    return text if len(text) <= limit else f"{text[:limit]}… ({len(text)} characters)"
