"""Answers of synchronous webhooks: what the sessions of an event say with ``http_outcome``.

The first outcome decides status and headers; with ``more`` the response stays open and later outcomes add to its body.
When every session of the event has ended without an answer, that is the answer, at once. What becomes of the client, or
of this process, never matters to a session.
"""

from __future__ import annotations

import asyncio
import base64
import functools
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

from starlette.responses import Response, StreamingResponse
from temporalio.client import Client, WorkflowFailureError
from temporalio.service import RPCError

from worker import clock, log
from worker.dispatch import match
from worker.gateway.disclosure import Disclosure
from worker.gateway.feed import Feed
from worker.gateway.refusals import refusal
from worker.rpc import is_gone
from worker.store import Store
from worker.store.records import Delivery, Event

RESPONSE_SECONDS = 30.0
_NOT_STARTED_SECONDS = 0.05
_NOT_OURS = frozenset({"content-length", "transfer-encoding", "connection", "autokitteh-event-id"})


class Answers:
    """Waits for the outcomes of events."""

    def __init__(
        self,
        store: Store,
        client: Client,
        seconds: float = RESPONSE_SECONDS,
        disclosure: Disclosure | None = None,
    ) -> None:
        self._store = store
        self._client = client
        self._seconds = seconds
        self._disclose = (disclosure or Disclosure(store, b"")).of
        self._feed = Feed(store)

    async def wait(self, event: Event) -> Response:
        """The response to the request that made this event."""
        deliveries = await asyncio.to_thread(self._store.events.deliveries, event.id)
        started = [item for item in deliveries if item.state != match.SKIPPED]
        if not started:
            return refusal("AK3502", f"see `ak event explain {event.id}`")  # why is not for anybody to read
        disclose = functools.partial(self._disclose, event.project)
        wait = _Wait(self._store, self._client, self._feed, event.id, started, self._seconds, disclose)
        first = None
        try:
            first = await wait.next()
        finally:
            if first is None or not first.get("more"):
                wait.close()
        if first is None:
            return wait.unanswered()
        if not first.get("more"):
            return Response(
                body_of(first), first["status_code"], headers_of(first), media_type=media_type_of(first)
            )
        return StreamingResponse(
            wait.chunks(first), first["status_code"], headers_of(first), media_type=media_type_of(first)
        )


class _Wait:
    """One request's wait."""

    def __init__(
        self,
        store: Store,
        client: Client,
        feed: Feed,
        event_id: str,
        deliveries: list[Delivery],
        seconds: float,
        disclose: Callable[[Any], Any],
    ) -> None:
        self._disclose = disclose
        self._store = store
        self._client = client
        self._event_id = event_id
        self._end = clock.monotonic() + seconds
        self._feed = feed
        self._watch = feed.open(event_id)
        self._ready: list[dict[str, Any]] = []
        self._failed = False
        self._timed_out = False
        self._sessions = [asyncio.create_task(self._follow(item)) for item in deliveries]
        for task in self._sessions:
            task.add_done_callback(lambda _: self._watch.news.set())

    async def next(self) -> dict[str, Any] | None:
        """The next outcome; None when there will be none, or the time is over."""
        watch = self._watch
        while not self._ready:
            watch.news.clear()  # before looking: what comes meanwhile sets it again
            ended = all(task.done() for task in self._sessions)  # asked first: an ended session says no more
            found = await asyncio.to_thread(self._store.mailbox.outcomes, self._event_id, watch.seen)
            self._ready = [await asyncio.to_thread(self._disclose, item.value) for item in found]
            watch.seen = found[-1].seq if found else watch.seen
            if found:
                break
            if ended:
                return None
            try:
                async with asyncio.timeout(self._end - clock.monotonic()):
                    await watch.news.wait()
            except TimeoutError:
                self._timed_out = True
                return None
        return self._ready.pop(0)

    async def chunks(self, first: dict[str, Any]) -> AsyncIterator[bytes]:
        """The parts of a response that stays open."""
        outcome: dict[str, Any] | None = first
        try:
            while outcome is not None:
                body = body_of(outcome)
                if body:
                    yield body
                outcome = await self.next() if outcome.get("more") else None
        finally:
            self.close()

    def unanswered(self) -> Response:
        """What is said when no session said anything."""
        if self._timed_out:
            return refusal("AK3504")
        if self._failed:
            return refusal("AK3501")
        return Response(status_code=204)

    def close(self) -> None:
        """Follow the sessions no longer; the answer does not wait for that."""
        self._feed.close(self._watch)
        for task in self._sessions:
            task.cancel()

    async def _follow(self, delivery: Delivery) -> None:
        """Until the session ends. Most have answered before it is worth asking; none has started yet."""
        await asyncio.sleep(_NOT_STARTED_SECONDS)
        handle = self._client.get_workflow_handle(delivery.session_id)
        while True:
            try:
                await handle.result()
            except WorkflowFailureError:
                self._failed = True
            except RPCError as error:
                if await self._given_up(delivery):
                    self._failed = True
                    return
                missing = is_gone(error)
                await asyncio.sleep(_NOT_STARTED_SECONDS if missing else 1.0)
                continue
            except Exception as error:
                log.log(action="session_result_unreadable", level="warning", error=str(error))
            return

    async def _given_up(self, delivery: Delivery) -> bool:
        known = await asyncio.to_thread(self._store.events.deliveries, delivery.event_id)
        return any(item.id == delivery.id and item.state == match.FAILED for item in known)


def body_of(outcome: dict[str, Any]) -> bytes:
    """An outcome's body."""
    if "bytes" in outcome:
        return base64.b64decode(outcome["bytes"])
    if "json" in outcome:
        return json.dumps(outcome["json"], ensure_ascii=False).encode()
    body = outcome.get("body")
    if body is None:
        return b""
    if isinstance(body, str):
        return body.encode()
    return json.dumps(body, ensure_ascii=False).encode() + b"\n"


def headers_of(outcome: dict[str, Any]) -> dict[str, str]:
    """An outcome's headers, without those that are the server's business and those that HTTP does not allow."""
    return {
        name: value
        for name, value in outcome.get("headers", {}).items()
        if name.lower() not in _NOT_OURS and _is_allowed(name) and _is_allowed(value)
    }


def _is_allowed(text: str) -> bool:
    try:
        text.encode("latin-1")
    except UnicodeEncodeError:
        return False
    return not any(character in text for character in "\r\n\0")


def media_type_of(outcome: dict[str, Any]) -> str | None:
    """The content type when the program names none: JSON, HTML or plain text by what the body looks like."""
    if any(name.lower() == "content-type" for name in outcome.get("headers", {})):
        return None
    if "json" in outcome:
        return "application/json"
    body = body_of(outcome)
    if not body:
        return None
    if isinstance(outcome.get("body"), dict | list):
        return "application/json"
    start = body[:512].lstrip().lower()
    if start.startswith((b"<!doctype html", b"<html", b"<head", b"<body", b"<h1", b"<p", b"<div")):
        return "text/html"
    try:
        body.decode()
    except UnicodeDecodeError:
        return "application/octet-stream"
    return "text/plain"
