"""The part of a fork that is not lived again: it is given what another session was given, at the times it was given it.

The problem: a fork must reach the place where it goes on live with every variable as it was, and call nothing on the
way. Handing recorded results to each call in turn is not enough: what ran at once in the first session, signals in
between, timeouts and the clock decide the path as well. So the fork does what Temporal does in a replay. The record
holds the first session's workflow tasks: what arrived, when, and which steps it asked for because of it. All of them
are gone through within the first task of the fork: their jobs are applied to the fork's own loop, and the commands that
the code makes are compared with the recorded steps instead of being sent.

The record is the second argument of the workflow, so that a replay of the fork goes through the same again; it is signed,
since it decides what calls seem to have answered. Its shape, which stands in histories (only add optional fields)::

    {"origin": "ses_…", "seed": run id, "at": N, "steps": [[kind, name, where], …],
     "tasks": [{"at": ns, "patches": [id], "signals": [{"name", "input": [payload]}], "jobs": [job], "asked": [n],
                "locals": [job], "more": bool, "live": {"signals", "jobs", "seed"}}, …],
     "live": {"signals": […], "jobs": [job]},
     "carried": what a run before had left to it, see ``Carried``; missing in most}

A job is ``{"step": n, "as": "completed", "result": payload}`` and the like, one of ``locals`` has ``seq`` and ``at`` too.
``more`` says that steps after N were asked for in the task. The outer ``live`` is what arrives when the fork goes live.
A task with ``live`` is the place where the first session, a fork itself, went live.

When the fork goes live, in this order: the clock is the present, chance has numbers of its own, what was asked for and
has no result yet is really asked for (a timer for the time it had left), subscriptions and names of signals that are
waited for are registered for the fork, and then the last results arrive.

Of the end of a session that was started before the cut Temporal tells only the one that started it: the fork asks for it
when it waits for it, as a run does after ``restart``.
"""

from __future__ import annotations

import asyncio
from typing import Any

from temporalio import workflow
from temporalio.bridge.proto.workflow_activation import WorkflowActivationJob
from temporalio.exceptions import ApplicationError

from worker.asked import END, asked_by
from worker.contracts import JSON, LINE_ERROR, LINE_STATE, MEMO_FORKED_FROM, SEAL_FORK, UserValue
from worker.errors import ForkError, WorkerError
from worker.session import arrivals

_SHORTEST_NS = 1_000_000
_ARGUMENTS = 2  # of a fork: the event's data, and the record
_OWN_RECORD = ("upsert_workflow_search_attributes", "modify_workflow_properties")
_TIMERS = {"sleep", "wait"}
_SUCCEEDED = {"completed", "started"}
_ENDS = ("complete_workflow_execution", "continue_as_new_workflow_execution")

Key = tuple[str, int]  # a command's variant and sequence number


class Recorded:
    """Goes through the record of a fork; ``active`` until it goes live."""

    def __init__(self, session: Any, loop: Any, record: JSON) -> None:
        self._session = session
        self._loop = loop
        self._record = record
        self._tasks: list[JSON] = list(record["tasks"])
        self._task: JSON = None
        self._locals: list[JSON] = []
        self._commands: list[Any] = []  # made since the last task began
        self._open: dict[Key, tuple[Any, int]] = {}  # asked for and not answered: the command, and when
        self.keys: dict[int, Key] = {}
        self._deferred: JSON = None
        self._registering: list[asyncio.Task[None]] = []
        self._present = (0, False)
        everything = [*(job for task in self._tasks for job in task["locals"]), *record["live"]["jobs"]]
        self._known = {job["seq"] for job in everything if "seq" in job}
        self.active = False

    async def begin(self) -> None:
        """Before the handler: from here on it is the time of the record."""
        loop = self._loop
        self._present = (loop._time_ns, loop._is_replaying)
        now = loop.time()
        self._session.output.clock = lambda: now
        self._session.chance.seed(self._record["seed"])
        self.active = True
        loop._is_replaying = True
        task = self._next_task()
        loop._patches_notified.update(task["patches"])
        for signal in task["signals"]:
            loop._apply(arrivals.signal(signal))
        await asyncio.sleep(0)  # signals that came before the handler are there when it begins

    def divert(self, command: Any) -> Any:
        """A command that is not sent."""
        self._commands.append(command)
        return command

    def go_on(self) -> None:
        """After the loop has run out of work: what comes next in the record, until it goes live."""
        while True:
            if self._deferred is not None and all(task.done() for task in self._registering):
                arriving, self._deferred = self._deferred, None
                for task in self._registering:
                    if (error := task.exception()) is not None:
                        why = getattr(error, "cause", None) or error
                        self._fail(
                            f"the fork cannot take over what {self._record['origin']} had registered: {why}",
                            "Fork before that registration: `ak session show` numbers the steps.",
                        )
                self._arrive(arriving)
            elif not self.active or self._ended():
                return
            elif not (self._give_up() or self._local()):
                self._settle()
                if self._tasks:
                    self._arrive(self._next_task())
                else:
                    self._go_live()

    def _next_task(self) -> JSON:
        task = self._task = self._tasks.pop(0)
        self._locals = list(task["locals"])
        self._loop._time_ns = task["at"]
        self._loop.refresh()
        if "live" in task:
            # The session this one was forked from went live here: what was open was asked for again.
            self._loop._patches_notified.update(task["patches"])
            self._commands = [command for command, _ in self._take_open(task["live"])]
            self._prepare(task["live"])
        return task

    def _arrive(self, task: JSON) -> None:
        """Apply what arrived with a task, in the order in which Temporal does."""
        loop = self._loop
        loop._patches_notified.update(task.get("patches", ()))
        loop.run_jobs([arrivals.signal(item) for item in task["signals"]])
        loop.run_jobs([made for job in task["jobs"] if (made := self._job(job)) is not None])

    def _local(self) -> bool:
        """The next outcome of a local activity; False when there is none in this task."""
        if not self._locals:
            return False
        job = self._locals.pop(0)
        self._collect_locals()
        key = (arrivals.LOCAL, job["seq"])
        if key not in self._open:
            self._mismatch(job["step"], self._asks())
        self._compare(job["step"], self._open[key][0])
        self._loop._time_ns = job["at"] or self._loop._time_ns
        made = self._job(job)
        assert made is not None
        self._loop.run_jobs([made])
        return True

    def _collect_locals(self) -> None:
        now = self._loop._time_ns
        for command in self._commands:
            if command.HasField(arrivals.LOCAL):
                self._open[arrivals.LOCAL, command.schedule_local_activity.seq] = (command, now)
        self._commands = [item for item in self._commands if not item.HasField(arrivals.LOCAL)]

    def _give_up(self) -> bool:
        """Calls that the session gave up end at once, as Temporal does it; False when there is none."""
        jobs = []
        for command in list(self._commands):
            variant = command.WhichOneof("variant")
            if variant not in {"request_cancel_activity", "request_cancel_local_activity"}:
                continue
            self._commands.remove(command)
            seq = getattr(command, variant).seq
            asked = (variant.replace("request_cancel", "schedule"), seq)
            self._open.pop(asked, None)
            self._commands = [item for item in self._commands if _key(item) != asked]
            if seq in self._loop._pending_activities:
                jobs.append(arrivals.given_up(seq))
        if jobs:
            self._loop.run_jobs(jobs)
        return bool(jobs)

    def _asks(self) -> list[Any]:
        """The commands of this task that ask for something, without what was taken back at once."""
        gone = {
            ("start_timer", item.cancel_timer.seq) for item in self._commands if item.HasField("cancel_timer")
        }
        for key in gone:
            self._open.pop(key, None)
        asks = [(item, asked_by(item)) for item in self._commands if _key(item) not in gone]
        return [item for item, facts in asks if facts is not None and facts["kind"] != END]

    def _settle(self) -> None:
        """A task has run: what it asked for is what was recorded, or the fork ends here."""
        task, now = self._task, self._loop._time_ns
        self._collect_locals()
        asks = self._asks()
        for command in self._commands:
            if command.WhichOneof("variant") in _OWN_RECORD:
                self._loop.send(command)
        self._commands = []
        for n in task["asked"]:
            if not asks:
                self._mismatch(n, asks)
            command = asks.pop(0)
            self._compare(n, command)
            self.keys[n] = _key(command)
            self._open[_key(command)] = (command, now)
        if not task["more"]:
            new = [
                item
                for key, (item, _) in self._open.items()
                if key[0] == arrivals.LOCAL and key[1] not in self._known
            ]
            if asks or (new and self._tasks):
                self._mismatch(self._next_step(), asks or new)
        for command in asks:
            self._open[_key(command)] = (command, now)

    def _next_step(self) -> int:
        """The first recorded step that nobody asked for yet."""
        return next(
            (n for n in range(1, self._record["at"] + 1) if n not in self.keys), self._record["at"] + 1
        )

    def _compare(self, n: int, command: Any) -> None:
        kind, name, _ = self._record["steps"][n - 1]
        now = asked_by(command)
        assert now is not None
        timers = {kind, now["kind"]} <= _TIMERS  # how long it was meant to take does not matter any more
        if not timers and (now["kind"], now["name"]) != (kind, name):
            self._mismatch(n, [command])
        self.keys[n] = _key(command)

    def _mismatch(self, n: int, asks: list[Any], *, ended: bool = False) -> None:
        steps = self._record["steps"]
        recorded = f"#{n} {steps[n - 1][1]} {steps[n - 1][2]}".rstrip() if n <= len(steps) else "nothing more"
        facts = (
            asked_by(asks[0])
            if asks
            else {"name": "nothing" if not ended else "the handler ends", "where": ""}
        )
        assert facts is not None
        now = f"{facts['name']} {facts['where']}".rstrip()
        self._fail(
            f"the fork of {self._record['origin']} at {self._record['at']} cannot go on: recorded {recorded}, now {now}",
            "The code asks for other steps than the session it was forked from: fork before the first one that differs.",
        )

    def _fail(self, message: str, hint: str) -> None:
        """End the session: nothing was called."""
        self._back()
        self._session.driver.closed = True
        error = ForkError(message, hint=hint)
        output = self._session.output
        output.add(LINE_ERROR, f"{error.code}: {error}")
        output.add(LINE_STATE, "error")
        raise failure_of(error)

    def _ended(self) -> bool:
        """Whether the handler ended before the fork went live: by its own error, or because it asks for less."""
        for command in self._commands:
            if command.WhichOneof("variant") in _ENDS:
                asks = self._asks()
                self._mismatch(self._next_step(), asks, ended=True)
            elif command.HasField("fail_workflow_execution"):
                self._back()
                self._loop.send(command)
                return True
        return False

    def _go_live(self) -> None:
        """From here on everything is real."""
        record = self._record
        then = self._loop._time_ns
        self._back()
        self._session.output.add(LINE_STATE, f"forked from {record['origin']} at {record['at']}")
        for command, began in self._take_open(record["live"]):
            if command.HasField("start_timer"):
                left = command.start_timer.start_to_fire_timeout.ToNanoseconds() - (then - began)
                command.start_timer.start_to_fire_timeout.FromNanoseconds(max(left, _SHORTEST_NS))
            self._loop.send(command)
        self._prepare({**record["live"], "seed": self._loop.get_info().original_execution_run_id})

    def _take_open(self, live: JSON) -> list[tuple[Any, int]]:
        """What is open and will not be answered by what arrives last."""
        answered = {self._key_of(job) for job in live["jobs"]}
        return [self._open.pop(key) for key in list(self._open) if key not in answered]

    def _prepare(self, live: JSON) -> None:
        session = self._session
        session.chance.seed(live["seed"], keep_random=True)
        known = session.runtime.known
        ended = {job["step"] for job in live["jobs"] if job.get("ended")}
        answered = [
            (self._open[key][0], job.get("as") in _SUCCEEDED)
            for job in live["jobs"]
            if not (job.get("ended") or job["step"] in ended) and (key := self._key_of(job)) in self._open
        ]
        refused = [command for command, succeeded in answered if not succeeded]
        arriving = [command for command, succeeded in answered if succeeded]
        self._registering += known.again(self._loop, refused, f"fork leaves {live['seed']}")
        self._registering += known.arriving(self._loop, arriving, f"fork registers {live['seed']}")
        self._deferred = live
        if self._registering:
            self._loop.run_jobs([], always=True)

    def _back(self) -> None:
        """The clock is the present."""
        self.active = False
        self._loop._time_ns, self._loop._is_replaying = self._present
        self._session.output.clock = self._loop.time
        self._loop.refresh()

    def _key_of(self, job: JSON) -> Key | None:
        return (arrivals.LOCAL, job["seq"]) if "seq" in job else self.keys.get(job["step"])

    def _job(self, job: JSON) -> Any:
        """Temporal's message for an outcome; None when it came too late."""
        key = self._key_of(job)
        if key is None or (key not in self._open and not job.get("ended")):
            return None
        made = WorkflowActivationJob()
        if job.get("ended"):
            if key[1] not in self._loop._pending_child_workflows:
                return None
            made.resolve_child_workflow_execution.seq = key[1]
            arrivals.fill_result(made.resolve_child_workflow_execution.result, job)
            return made
        del self._open[key]
        arrivals.FILL[key[0]](made, key[1], job)
        return made


def failure_of(error: WorkerError) -> ApplicationError:
    """The failure that ends a fork."""
    text = f"{error.code}: {error}"
    facts = {"type": error.code, "code": error.code, "message": error.message, "hint": error.hint}
    return ApplicationError(
        text, {**facts, "where": error.where, "traceback": text}, type=error.code, non_retryable=True
    )


def record_of(session: Any, args: list[UserValue]) -> JSON:
    """The record a fork was started with; None for any other session.

    Raises:
        TamperedError: nobody of ours wrote it.
    """
    fork = workflow.memo().get(MEMO_FORKED_FROM) and not workflow.info().continued_run_id
    if not fork or len(args) < _ARGUMENTS:
        return None
    sealed = args[1] if isinstance(args[1], dict) else {}
    session.codec.check_seal(sealed.get("fork"), str(sealed.get("seal")), SEAL_FORK)
    return sealed["fork"]


def _key(command: Any) -> Key:
    variant = command.WhichOneof("variant")
    return variant, getattr(getattr(command, variant), "seq", 0)
