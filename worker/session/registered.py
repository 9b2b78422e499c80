"""What is registered outside under a session's name: subscriptions, names of signals, children whose end it hears of.

A fork takes it over from another session. What was registered before the cut is registered for the fork as it goes
live (``again``). A registration that is the cut itself, or comes with it, is answered from the record only after that:
it is registered for the fork first (``arriving``), so that the fork never waits for what is sent to somebody else.
A subscription whose end is under way at that moment is not registered any more.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import json
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ActivityError

from worker.contracts import JSON, SYSTEM_QUEUE, WAIT_FOR_CHILD, Carried
from worker.session import calls, system

SESSION_PREFIX = "ses_"
_SUBSCRIBE = "autokitteh.subscribe"
_UNSUBSCRIBE = "autokitteh.unsubscribe"
_AWAIT = "autokitteh.await_signal"
_ONCE = "end of a child once"  # the marker of sessions that leave out the second one


class Registered:
    """The registrations of one run.

    Attributes:
        subscriptions: source and filter by the id the program knows.
        kept: ids from the run before that were not used in this one yet.
        awaited: names of signals for which the project's log of signals knows the session.
        registered: in a fork, the ids of its own registrations by those that the program knows.
        waited: names of signals that are waited for at this moment.
        leaving: subscriptions that are being ended at this moment, by the id under which they are registered.
    """

    def __init__(self, session: Any, carried: Carried) -> None:
        self._session = session
        decode = session.codec.decode
        self.subscriptions = {
            str(item): (str(source), str(decode(encoded))) for item, source, encoded in carried.subscriptions
        }
        self.kept = list(self.subscriptions)
        self.awaited: dict[str, None] = dict.fromkeys(carried.awaited)
        self.registered: dict[str, str] = {}
        self.waited: list[str] = []
        self.leaving: dict[str, str] = {}
        # Whether this run hears of the end of each child.
        self._children: dict[str, bool] = dict.fromkeys(carried.children, False)
        self._taken_over: dict[str, None] = {}  # children that another session started

    @property
    def waits_outside(self) -> bool:
        """Whether something is registered under this session's name."""
        return bool(self.subscriptions or self.awaited)

    def packed(self) -> dict[str, Any]:
        """What goes along when the session restarts, with the children whose end it has not heard of."""
        return {
            "subscriptions": [
                [self.registered.get(item, item), source, self._session.codec.encode(text)]
                for item, (source, text) in self.subscriptions.items()
            ],
            "awaited": sorted(self.awaited),
            "children": list(self._children),
        }

    def begun(self, child: str, handle: Any) -> None:
        """A child runs: its end is a signal named after it."""
        self._children[child] = child not in self._taken_over
        handle.add_done_callback(lambda task: self._child_ended(child, task))

    def _child_ended(self, child: str, task: asyncio.Task[Any]) -> None:
        if not task.cancelled() and self._is_news(child):
            self._session.mail.child_ended(child, task)

    def _is_news(self, child: str) -> bool:
        """Whether its end was not heard of before: a fork that asks for it may have it from its record as well.

        Sessions recorded before this was looked at go on with what they were told twice.
        """
        return self._children.pop(child, None) is not None or not workflow.patched(_ONCE)

    def listen(self, name: str, loop: Any) -> None:
        """Be told of the end of a child that an earlier run started: Temporal tells only the run that did."""
        if not self._children.get(name, True):
            self._listen_to(name, loop)

    def _listen_to(self, child: str, loop: Any) -> None:
        self._children[child] = True

        async def wait() -> None:
            with contextlib.suppress(ActivityError):
                ended = await workflow.execute_activity(
                    WAIT_FOR_CHILD,
                    child,
                    task_queue=SYSTEM_QUEUE,
                    start_to_close_timeout=calls.NO_LIMIT,
                    heartbeat_timeout=dt.timedelta(seconds=30),
                    retry_policy=calls.RETRY,
                    summary=f"wait for {child}",
                )
                if self._is_news(child):
                    self._session.mail.receive_signal("", child, ended)

        loop.create_own_task(wait())

    def again(self, loop: Any, refused: list[Any], marker: str) -> list[Any]:
        """A fork goes live: what another session had registered is registered for it, under ids of its own.

        Of the end of that session's children it asks as a run does that did not start them.

        Args:
            loop: the session's.
            refused: commands that fail from the record: a subscription whose end is among them goes on.
            marker: of the forks that leave out what is ended; others were recorded before it was left out.
        """
        staying = {_arguments(item.schedule_activity)["id"] for item in refused if _is(item, _UNSUBSCRIBE)}
        ended = {known for sent, known in self.leaving.items() if sent not in staying}
        for child in self._children:
            self._children[child] = False
        for child in [name for name in self.waited if not self._children.get(name, True)]:
            self._listen_to(child, loop)
        return [
            *(
                loop.create_own_task(self._subscribe_again(item, marker if item in ended else ""))
                for item in list(self.subscriptions)
            ),
            *(loop.create_own_task(self._await_again(name)) for name in sorted(self.awaited)),
        ]

    def arriving(self, loop: Any, commands: list[Any], marker: str) -> list[Any]:
        """A fork goes live, and these of its commands succeed from the record: what they register is the fork's too.

        Args:
            loop: the session's.
            commands: what is answered when this is done.
            marker: of the forks that do this; others were recorded before it was done.
        """
        subscriptions: list[tuple[str, str, str]] = []
        names: list[str] = []
        children: list[str] = []
        for command in commands:
            if command.HasField("start_child_workflow_execution"):
                children.append(command.start_child_workflow_execution.workflow_id)
            elif command.HasField("schedule_activity"):
                asked = command.schedule_activity
                if asked.activity_type == _SUBSCRIBE:
                    arguments = _arguments(asked)
                    text = str(self._session.codec.decode(arguments["filter"]))
                    subscriptions.append((arguments["id"], arguments["source"], text))
                elif asked.activity_type == _AWAIT:
                    names.append(_arguments(asked)["name"])
        if not (subscriptions or names or children):
            return []

        async def take_over() -> None:
            if not workflow.patched(marker):
                return
            self._taken_over.update(dict.fromkeys(children))
            for identifier, source, text in subscriptions:
                await self._register(identifier, source, text)
            for name in names:
                await self._await_again(name)

        return [loop.create_own_task(take_over())]

    async def _subscribe_again(self, identifier: str, marker: str) -> None:
        if not marker or not workflow.patched(marker):
            await self._register(identifier, *self.subscriptions[identifier])

    async def _register(self, identifier: str, source: str, text: str) -> None:
        session = self._session
        again = self.registered[identifier] = str(session.chance.uuid4())
        session.mail.alias(again, identifier)
        arguments = {"id": again, "source": source, "filter": session.codec.encode(text)}
        await system.again(session, "subscribe", arguments, session.handler_name)

    async def _await_again(self, name: str) -> None:
        session = self._session
        arguments = {"name": name, "since": workflow.info().start_time.isoformat()}
        for item in await system.again(session, "await_signal", arguments, session.handler_name):
            session.mail.receive_signal(item["id"], name, item["payload"])


def _is(command: Any, activity: str) -> bool:
    return bool(command.HasField("schedule_activity") and command.schedule_activity.activity_type == activity)


def _arguments(asked: Any) -> JSON:
    return json.loads(asked.arguments[0].data)
