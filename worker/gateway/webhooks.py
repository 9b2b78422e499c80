"""The endpoint of webhooks: look up, read, record, answer 202, or what the session says for a synchronous one.

202 is a promise: it is sent only after the transaction with the event and its deliveries has committed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from worker import clock, contracts, ids, log
from worker.dispatch import Dispatcher
from worker.dispatch.deliver import of_trigger
from worker.dispatch.urls import WEBHOOKS_PATH
from worker.gateway.answers import Answers
from worker.gateway.body import RawRequest, event_data
from worker.gateway.refusals import refusal
from worker.meter import Meter
from worker.store.records import Event, Trigger

MAX_BODY_BYTES = 512 * 1024
BODY_TIMEOUT_SECONDS = 30.0

# Bodies being held at one time, over all requests: a flood is refused before it takes the machine's memory.
MAX_HELD_BYTES = 128 * 1024 * 1024


# Told of each recorded event, after its answer: the event, how long the request took, the status.
Seen = Callable[[Event, float, int], None]

# Told of each request that becomes no event, with the code it is refused with.
Refusing = Callable[[Request, str], None]


class _RefusedError(Exception):
    """The request ends here, with this answer."""

    def __init__(self, code: str, more: str = "", headers: dict[str, str] | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.response = refusal(code, more, headers)


class Webhooks:
    """An ASGI application, so that every method gets here, standard or not."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        wake: Callable[[], None],
        answers: Answers,
        meter: Meter | None = None,
        seen: Seen | None = None,
        refused: Refusing | None = None,
    ) -> None:
        """``wake`` is called after each recorded event: there may be something to deliver."""
        self._dispatcher = dispatcher
        self._answers = answers
        self._wake = wake
        self._held_bytes = 0
        self._meter = meter or Meter()
        self._seen = seen
        self._refused = refused or (lambda _request, _code: None)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        began = clock.monotonic()
        try:
            response = await self._answer(request)
        except _RefusedError as refused:
            response = refused.response
            self._refused(request, refused.code)
        except ClientDisconnect:
            return
        except Exception:
            log.log(action="webhook_failed", level="error", exc_info=True)
            response = refusal("AK3500")
            self._refused(request, "AK3500")
        await response(scope, receive, send)
        self._note(request, response, clock.monotonic() - began)

    def _note(self, request: Request, response: Response, seconds: float) -> None:
        trigger: Trigger | None = getattr(request.state, "trigger", None)
        event = response.headers.get("AutoKitteh-Event-ID", "")
        project, name = (trigger.project, trigger.name) if trigger is not None else ("", "")
        status = str(response.status_code)
        self._meter.observe(
            "autokitteh_webhook_seconds", seconds, project=project, trigger=name, status=status
        )
        recorded: Event | None = getattr(request.state, "event", None)
        if self._seen is not None and recorded is not None:
            self._seen(recorded, seconds, response.status_code)
        log.log(action="webhook", project=project, trigger=name, event=event, status=response.status_code)

    async def _answer(self, request: Request) -> Response:
        slug: str = request.path_params["slug"]
        # What was there a moment ago will do for now: recording confirms it, in the same trip to the store.
        trigger = self._dispatcher.known_webhook(slug)
        if trigger is None:
            trigger = await self._find(slug)
        request.state.trigger = trigger
        _check_declared_length(request)
        held = bytearray()
        try:
            await self._read(request, held)
            event = _event(request, trigger, bytes(held))
            while not await self._dispatcher.receive_webhook(event, trigger):
                trigger = await self._find(slug)
                event = _event(request, trigger, bytes(held))
        finally:
            self._held_bytes -= len(held)
        self._wake()
        request.state.event = event
        if trigger.is_sync:
            response = await self._answers.wait(event)
            response.headers["AutoKitteh-Event-ID"] = event.id
            return response
        return Response(
            status_code=202, headers={"AutoKitteh-Event-ID": event.id, "Cache-Control": "no-cache"}
        )

    async def _find(self, slug: str) -> Trigger:
        trigger = await self._dispatcher.webhook(slug)
        if trigger is None:
            raise _RefusedError("AK3404")
        return trigger

    async def _read(self, request: Request, held: bytearray) -> None:
        """Read the body into ``held``, which the caller takes off the account again."""
        try:
            async with asyncio.timeout(BODY_TIMEOUT_SECONDS):
                async for chunk in request.stream():
                    if len(held) + len(chunk) > MAX_BODY_BYTES:
                        raise _too_large()
                    if self._held_bytes + len(chunk) > MAX_HELD_BYTES:
                        raise _RefusedError("AK3429", headers={"Retry-After": "1"})
                    held += chunk
                    self._held_bytes += len(chunk)
        except TimeoutError:
            raise _RefusedError("AK3408") from None


def _check_declared_length(request: Request) -> None:
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared[:20]) > MAX_BODY_BYTES:
        raise _too_large()


def _too_large() -> _RefusedError:
    return _RefusedError("AK3413", f"the limit is {MAX_BODY_BYTES} bytes")


def _event(request: Request, trigger: Trigger, body: bytes) -> Event:
    raw = RawRequest(
        method=request.method,
        raw_path=request.scope["raw_path"],
        query=request.scope["query_string"],
        headers=request.scope["headers"],
        body=body,
    )
    client = request.client
    return Event(
        id=ids.new("evt"),
        project=trigger.project,
        source_kind="trigger",
        source=trigger.name,
        event_type=request.method.lower(),
        data=event_data(raw, f"{WEBHOOKS_PATH}/{trigger.slug}"),
        memo={
            contracts.MEMO_METHOD: request.method,
            contracts.MEMO_WEBHOOK_SLUG: trigger.slug,
            contracts.MEMO_REMOTE_ADDR: f"{client.host}:{client.port}" if client else "",
            **of_trigger(trigger),
        },
        created_at=clock.now(),
    )
