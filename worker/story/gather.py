"""Read a session's story: its runs from Temporal, page by page, and its log, build and large values from the store."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import functools
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client, WorkflowExecutionDescription
from temporalio.service import RPCError, RPCStatusCode

from worker.contracts import LINE_CALL, MEMO_PARENT
from worker.errors import NotFoundError, WorkerError
from worker.masking import Mask
from worker.steps import CHILD, OPEN, Reader, Step
from worker.store import Store
from worker.store.records import StoredLine
from worker.story import previews, requests
from worker.story.build import REFERENCE, Collector, as_entry, entries_of, line_numbers, small, tells
from worker.story.meanwhile import meanwhile
from worker.story.model import Entry, Run, Story
from worker.story.sources import Sources
from worker.story.waiting import waits_for
from worker.story.whole import Whole, payloads_of, whole

MAX_RUNS = 20
MAX_CHILDREN = 50
CHILD_STEPS = 20
_LARGEST_READ_BYTES = 4 * 1024 * 1024
_LINE_CHARACTERS = 2000
_CALL_CHARACTERS = 100
_NO_SUCH_RUN = frozenset({RPCStatusCode.NOT_FOUND, RPCStatusCode.INVALID_ARGUMENT})

Facts = Callable[[str], Awaitable[dict[str, Any]]]
Code = Callable[[str], Sources]  # the files of a version of the session's project


@dataclass(frozen=True)
class Wish:
    """How much of a session is wanted: the last ``tail`` steps, or those from number ``first`` on."""

    tail: int = 200
    first: int = 0
    depth: int = 1
    run_id: str = ""


class Teller:
    """Tells stories with one client and one store; ``facts`` gives a session as ``ak session get`` has it."""

    def __init__(self, client: Client, store: Store, facts: Facts) -> None:
        self._client = client
        self._store = store
        self._facts = facts
        self._masks: dict[str, Mask] = {}
        self._sources: dict[str, Sources] = {}
        self._builds: dict[tuple[str, str], str] = {}

    async def tell(self, identifier: str, wish: Wish) -> Story:
        """The story of a session.

        Raises:
            NotFoundError: there is none.
        """
        facts = await self._facts(identifier)
        if facts.get("only_log"):
            return await self._from_log(facts, wish)
        handle = self._client.get_workflow_handle(identifier, run_id=wish.run_id or None)
        try:
            described = await handle.describe()
        except RPCError as error:
            if not wish.run_id or error.status not in _NO_SUCH_RUN:
                raise
            raise NotFoundError(
                f"{identifier} has no run {wish.run_id}",
                hint=f"`ak session show {identifier} --json` names its runs.",
            ) from None
        build, code = await self._code(facts)
        # The log runs ahead of a history that was read before it: lines written from now on belong to steps unseen.
        seen = await asyncio.to_thread(self._store.log.last_seq)
        mask = await self._mask(facts["project"])
        runs: list[Run] = []
        run_id: str = described.run_id
        wanted = wish.tail
        newest = True
        while run_id and len(runs) < MAX_RUNS and (newest or wanted > 0):
            collector = await self.collect(identifier, run_id, mask)
            run = await self._run(described, collector, replace(wish, tail=wanted, run_id=run_id), code, seen)
            if newest:
                run = replace(run, entries=tuple(with_pending(run.entries, collector.steps, described)))
            runs.append(run)
            wanted -= sum(1 for entry in run.entries if entry.n)
            newest = False
            if wish.first or wish.run_id:
                break
            run_id = previous(collector)
        runs.reverse()
        runs = [await self._with_children(run, wish.depth) for run in runs]
        memo = await described.memo()
        waits = (
            await waits_for(self._client, self._store, described, runs[-1].entries)
            if facts["state"] in {"created", "running"} and runs
            else ()
        )
        return Story(
            facts,
            tuple(runs),
            earlier=bool(run_id and not (wish.first or wish.run_id)) * 1,
            waits_for=waits,
            meanwhile=await asyncio.to_thread(meanwhile, self._store, facts) if waits else (),
            parent=memo.get(MEMO_PARENT),
            build=build,
            notes=notes_of(facts),
        )

    async def _from_log(self, facts: dict[str, Any], wish: Wish) -> Story:
        """What the log alone tells, when Temporal does not keep the history any more."""
        lines = await asyncio.to_thread(self._store.log.read, facts["id"])
        kept = [line for line in lines if tells(line)][-wish.tail :]
        entries = tuple(as_entry(line) for line in kept)
        run = Run("", facts["started_at"], facts["state"], ended_at=facts["ended_at"], entries=entries)
        return Story(facts, (run,), notes=("Temporal does not keep its history any more: this is its log",))

    async def step(self, identifier: str, number: int, run_id: str = "") -> Whole | None:
        """One step of a run, the latest if none is named, with all of its values; None where there is no such step."""
        found: dict[int, Step] = {}

        def keep(step: Step) -> Step:
            if step.n != number:
                return replace(step, arguments=(), result=None, failure=None, last_failure=None)
            found[number] = step
            return step

        reader = Reader(keep)
        handle = self._client.get_workflow_handle(identifier, run_id=run_id or None)
        async for event in handle.fetch_history_events():
            reader.read(event)
        codec = self._client.data_converter.payload_codec
        if number not in found:
            return None
        for payload in payloads_of(found[number]):
            if codec is not None and REFERENCE in payload.metadata:
                payload.CopyFrom((await codec.decode([payload]))[0])
        return whole(found[number])

    async def _mask(self, project: str) -> Mask:
        """Hides the project's secrets in what came from outside, where they were kept as they came."""
        if project not in self._masks:
            self._masks[project] = await asyncio.to_thread(self._store.vars.mask, project)
        return self._masks[project]

    async def collect(self, identifier: str, run_id: str, mask: Callable[[str], str] = str) -> Collector:
        """The history of one run, read page by page."""
        collector = Collector(mask=mask)
        handle = self._client.get_workflow_handle(identifier, run_id=run_id)
        async for event in handle.fetch_history_events():
            collector.read(event)
        return collector

    async def _run(
        self, of: WorkflowExecutionDescription, collector: Collector, wish: Wish, code: Code, seen: int
    ) -> Run:
        steps = collector.steps
        taken = steps[0].n - 1 if steps else 0  # a fork's own steps are numbered after those it took over
        first = max(wish.first - 1 - taken, 0) if wish.first else max(len(steps) - wish.tail, 0)
        last = min(first + wish.tail, len(steps)) if wish.first else len(steps)
        chosen = steps[first:last]
        brief = functools.partial(self._store.log.brief, of.id, wish.run_id)
        # Reads, children and signals are found by the order of all lines of calls, whichever steps are shown.
        calls = await asyncio.to_thread(brief, kind=LINE_CALL, characters=_CALL_CHARACTERS)
        numbers = line_numbers(steps, calls)
        lines = await asyncio.to_thread(
            brief,
            first=max((numbers[step.n] + 1 for step in steps[:first] if step.n in numbers), default=0),
            before=next((numbers[step.n] for step in steps[last:] if step.n in numbers), None),
            characters=_LINE_CHARACTERS,
        )
        lines = [line for line in lines if line.seq <= seen]
        await self.read_large(collector, chosen)
        ends = steps[last].asked_at if last < len(steps) else None
        entries = await asyncio.to_thread(
            with_sources, entries_of(collector, chosen, lines, ends=ends, numbers=numbers), collector, code
        )
        return Run(
            wish.run_id,
            moment(collector.started) or dt.datetime.fromtimestamp(0, dt.UTC),
            state_of(collector),
            data=data_of(collector),
            ended_at=moment(collector.closing),
            entries=tuple(entries),
            before=first,
            after=len(steps) - last,
            events=collector.events,
        )

    async def read_large(self, collector: Collector, steps: Sequence[Step]) -> None:
        """Say in words what large results of these steps are; very large ones stay what they begin with."""
        codec = self._client.data_converter.payload_codec
        for step in steps:
            payload = collector.large.get(step.n)
            facts = previews.value_of(payload) if payload is not None else None
            if payload is None or codec is None or not isinstance(facts, dict):
                continue
            if facts.get("bytes", 0) <= _LARGEST_READ_BYTES:
                with contextlib.suppress(WorkerError):
                    (whole,) = await codec.decode([payload])
                    told = collector.told[step.n]
                    told.result = previews.result_text(step.kind, step.name, whole)

    async def _code(self, facts: dict[str, Any]) -> tuple[str | None, Code]:
        """The build that the session runs now, and the files of that and of every other version it ran on."""
        known = facts["deployment"]
        deployment = await asyncio.to_thread(self._store.deployments.get, known) if known else None
        if deployment is None:
            return None, lambda _version: Sources(None)
        project, newest = deployment.project, deployment.build_id

        def of(version: str) -> Sources:
            """In a thread; a deployment that was cleaned away is not known any more."""
            if version == deployment.version or not version:
                return self._sources_of_build(newest)
            if (project, version) not in self._builds:
                record = self._store.deployments.by_version(project, version)
                self._builds[project, version] = record.build_id if record is not None else ""
            return self._sources_of_build(self._builds[project, version])

        return newest, of

    def _sources_of_build(self, build_id: str) -> Sources:
        if build_id not in self._sources:
            build = self._store.builds.get(build_id) if build_id else None
            self._sources[build_id] = Sources(build.content if build is not None else None)
        return self._sources[build_id]

    async def code_of(self, identifier: str) -> Code:
        """The files of each version that a session ran on."""
        return (await self._code(await self._facts(identifier)))[1]

    async def latest_run(self, identifier: str) -> str:
        """The run that goes on, or went on to the end."""
        described = await self._client.get_workflow_handle(identifier).describe()
        return str(described.run_id)

    def events(self, identifier: str, run_id: str) -> AsyncIterator[HistoryEvent]:
        """The events of a run, those to come included, until it has ended."""
        handle = self._client.get_workflow_handle(identifier, run_id=run_id)
        return handle.fetch_history_events(wait_new_event=True)

    async def lines_since(self, identifier: str, run_id: str, after: int) -> list[StoredLine]:
        """The lines of a run that were written since one."""
        found: list[StoredLine] = []
        while page := await asyncio.to_thread(self._store.log.since, identifier, after):
            after = page[-1].seq
            found += [line for line in page if line.run_id == run_id]
        return found

    async def _with_children(self, run: Run, depth: int) -> Run:
        entries = list(run.entries)
        children = [at for at, entry in enumerate(entries) if entry.kind == CHILD and entry.target]
        for at in children[-MAX_CHILDREN:]:
            entries[at] = await self._with_child(entries[at], depth)
        return replace(run, entries=tuple(entries))

    async def _with_child(self, entry: Entry, depth: int) -> Entry:
        assert entry.target is not None
        try:
            if depth > 0:
                child = await self.tell(entry.target, Wish(tail=CHILD_STEPS, depth=depth - 1))
                state = child.facts["state"]
                return replace(entry, child=child, outcome="running" if state == "created" else state)
            state = (await self._facts(entry.target))["state"]
            return replace(entry, outcome="running" if state == "created" else state)
        except (WorkerError, RPCError):
            return entry  # it is deleted: the parent's history tells what it knew


def previous(collector: Collector) -> str:
    """The run before, of a session that restarted itself."""
    if collector.started is None:
        return ""
    return str(collector.started.workflow_execution_started_event_attributes.continued_execution_run_id)


def data_of(collector: Collector) -> str:
    """The event's data that the run began with, in a few words."""
    if collector.started is None:
        return ""
    payloads = collector.started.workflow_execution_started_event_attributes.input.payloads
    return requests.data_text(previews.value_of(small(payloads[0])), mask=collector.mask) if payloads else ""


def moment(event: Any) -> dt.datetime | None:
    """When an event was written."""
    found: dt.datetime | None = event.event_time.ToDatetime(tzinfo=dt.UTC) if event is not None else None
    return found


def state_of(collector: Collector) -> str:
    """How a run ended; ``running`` while it has not."""
    if collector.closing is None:
        return "running"
    kind = (collector.closing.WhichOneof("attributes") or "").removeprefix("workflow_execution_")
    ended = kind.removesuffix("_event_attributes")
    known = {
        "completed": "completed",
        "continued_as_new": "restarted",
        "canceled": "stopped",
        "terminated": "stopped",
    }
    return known.get(ended, "error")


def with_sources(entries: Sequence[Entry], collector: Collector, code: Code) -> list[Entry]:
    """The entries with the user's source lines, each from the version that ran then."""
    placed = [(entry, collector.version_at(entry.at)) for entry in entries]
    files = {version: code(version) for version in dict.fromkeys(ran for entry, ran in placed if entry.where)}
    for version, sources in files.items():
        sources.want(entry.where for entry, ran in placed if ran == version)
    return [
        replace(entry, source=files[version].line(entry.where)) if entry.where else entry
        for entry, version in placed
    ]


def with_pending(
    entries: Sequence[Entry], steps: Sequence[Step], described: WorkflowExecutionDescription
) -> list[Entry]:
    """Open calls with what only Temporal's server knows of them: attempts, the last failure, the next attempt."""
    pending = {item.activity_id: item for item in described.raw_description.pending_activities}
    of = {
        step.n: pending.get(step.activity_id) for step in steps if step.state == OPEN and step.kind != CHILD
    }
    found = []
    for known in entries:
        entry = known
        item = of.get(entry.n) if entry.n else None
        if item is not None:
            failure = item.last_failure if item.HasField("last_failure") else None
            scheduled = (
                item.scheduled_time.ToDatetime(tzinfo=dt.UTC) if item.HasField("scheduled_time") else None
            )
            entry = replace(
                entry,
                attempts=item.attempt,
                last_failure=previews.failure_text(failure),
                next_attempt_at=scheduled if item.attempt > 1 else None,
            )
        found.append(entry)
    return found


def notes_of(facts: dict[str, Any]) -> tuple[str, ...]:
    """What else a person must know."""
    problem = facts.get("problem")
    return (f"{problem['code']}: {problem['message']}",) if problem else ()
