"""Every error the worker can raise, in one tree.

    WorkerError                      expected: one message for the operator, exit code 1
    ├── UsageError                   the command line is wrong, exit code 2
    ├── NotFoundError                nothing of that name, exit code 4
    ├── ConfigError                  an environment variable or setting is wrong
    ├── DeployError                  a deployment was refused; nothing was changed
    │   ├── UserCodeError            the user's code cannot be loaded; carries file and line
    │   └── InUseError               it would take away what is in use, and nobody said yes
    ├── TemporalError                Temporal cannot be found, reached or used
    ├── ConnectionTestError          a connection's credentials do not work
    ├── StoreError                   the database cannot be opened, read or written
    │   ├── LimitError               a value of a project is too large, or there are too many
    │   └── StoreOutageError         the database does not answer just now; the same may work in a moment
    ├── PayloadError                 a value cannot cross a boundary
    │   └── TamperedError            bytes that we did not sign: never decoded
    ├── CallError                    a routed call cannot be made the way the user wrote it
    ├── ReplayError                  the code does not fit what a session recorded; the session waits
    ├── TaskError                    a session's task fails; the session waits
    ├── ForkError                    a fork's code asks for other steps than were recorded
    └── InternalError                a bug of ours, exit code 3
    SessionControl (BaseException)   steers a session; user code cannot swallow it by accident
    ├── SessionStopped               the session was stopped; `finally` blocks still run
    └── OverBudget                   the handler held the workflow thread too long

Codes (``AK1234``) are stable; each is explained in the documentation.
"""

from __future__ import annotations


class WorkerError(Exception):
    """Something an operator or user can put right."""

    code = "AK1000"
    exit_code = 1

    def __init__(self, message: str, *, where: str = "", hint: str = "", code: str = "") -> None:
        """Keep the message with its place in the user's files (``file:line``) and the remedy.

        Args:
            message: what is wrong: a small letter first, no full stop, the user's names in quotes.
            where: the place in the user's files; the message does not repeat it.
            hint: what to do, as a sentence; commands in backticks.
            code: that of the cause, where it says more than this class's own.
        """
        super().__init__(message)
        self.message = message
        self.where = where
        self.hint = hint
        if code:
            self.code = code

    def __str__(self) -> str:
        """Place, message and remedy, as the operator reads them."""
        text = f"{self.where}: {self.message}" if self.where else self.message
        return f"{text}\n  {self.hint}" if self.hint else text


class UsageError(WorkerError):
    """The command line is wrong."""

    code = "AK1001"
    exit_code = 2


class NotFoundError(WorkerError):
    """Nothing of that name exists."""

    code = "AK1002"
    exit_code = 4


class ConfigError(WorkerError):
    """A setting is wrong."""

    code = "AK1003"


class DeployError(WorkerError):
    """A deployment was refused; nothing was changed."""

    code = "AK1100"


class UserCodeError(DeployError):
    """The user's code cannot be loaded."""

    code = "AK1101"


class InUseError(DeployError):
    """It would take away what is in use, and nobody said yes; nothing was changed."""

    code = "AK1102"


class TemporalError(WorkerError):
    """Temporal cannot be found, reached or used."""

    code = "AK1200"


class ConnectionTestError(WorkerError):
    """A connection's credentials are missing, or do not work."""

    code = "AK1700"


class StoreError(WorkerError):
    """The database cannot be opened, read or written."""

    code = "AK1300"


class LimitError(StoreError):
    """A value or variable of a project is too large, or there are too many."""

    code = "AK1301"


class StoreOutageError(StoreError):
    """The database does not answer just now."""

    code = "AK1302"


class PayloadError(WorkerError):
    """A value cannot cross a boundary."""

    code = "AK1400"


class TamperedError(PayloadError):
    """These bytes were not signed by this installation, or were changed since."""

    code = "AK1401"


class CallError(WorkerError):
    """A call cannot be made the way it is written."""

    code = "AK1500"


class ReplayError(WorkerError):
    """The code asks for something else than the session recorded; the session waits."""

    code = "AK1600"


class TaskError(WorkerError):
    """A session's task fails; it is tried again, the session waits."""

    code = "AK1601"


class ForkError(WorkerError):
    """A fork cannot go through what was recorded: its code asks for other steps."""

    code = "AK1602"


class InternalError(WorkerError):
    """A bug of ours; the message names the report."""

    code = "AK1900"
    exit_code = 3


class SessionControl(BaseException):
    """Steers a session; derives from ``BaseException`` so that ``except Exception`` lets it pass."""


class SessionStopped(SessionControl):
    """The session was stopped; ``finally`` blocks still run and may make calls."""


class OverBudget(SessionControl):
    """The handler computed too long without a call: nothing else of the project can run meanwhile."""

    def __str__(self) -> str:
        """What happened and what to do: it is raised as a class, from another thread."""
        return (
            "the handler computed too long without a call, on the thread that all sessions share; "
            "put the computation into a function marked @autokitteh.activity"
        )
