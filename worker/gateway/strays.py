"""Note the requests that became no event, and why: in memory at once, in the store a moment later.

A flood of them costs little: those that are alike are counted, and of different ones only so many are noted at a time.
Never noted: what browsers and monitors ask for by themselves, queries, bodies and headers.
"""

from __future__ import annotations

import asyncio
import contextlib
import difflib
from dataclasses import replace

from starlette.requests import Request

from worker import clock, log
from worker.dispatch.urls import WEBHOOKS_PATH
from worker.gateway.refusals import TEXTS
from worker.gateway.webhooks import BODY_TIMEOUT_SECONDS, MAX_BODY_BYTES
from worker.store import Store
from worker.store.records import Refused, Trigger

COLLECT_SECONDS = 0.5
MOST_AT_ONCE = 50
_PATH_CHARACTERS = 200
_MANY = "(other paths)"
_NOBODY = frozenset({"/", "/favicon.ico", "/robots.txt"})
_ALIKE = 0.75
_REASONS = {
    "AK3408": f"its body did not arrive within {BODY_TIMEOUT_SECONDS:.0f} s",
    "AK3413": f"its body is larger than {MAX_BODY_BYTES:,} bytes",
    "AK3429": "too many requests at once; the sender was told to try again",
    "AK3500": "the gateway could not record it: its log says why",
}
_FEWEST_CHARACTERS = 8  # of a slug, to say which one it is the beginning of


class Strays:
    """Collects refused requests and writes them down."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._found: dict[tuple[str, str, str], Refused] = {}
        self._some = asyncio.Event()

    def note(self, request: Request, code: str) -> None:
        """Count one; never waits."""
        path = request.url.path[:_PATH_CHARACTERS]
        if path in _NOBODY:
            return
        method = request.method[:20]
        if (method, path, code) not in self._found and len(self._found) >= MOST_AT_ONCE:
            path = _MANY
        trigger: Trigger | None = getattr(request.state, "trigger", None)
        now = clock.now()
        known = self._found.get((method, path, code))
        self._found[method, path, code] = Refused(
            method=method,
            path=path,
            code=code,
            sender=request.client.host if request.client else "",
            count=1 if known is None else known.count + 1,
            first_at=now if known is None else known.first_at,
            last_at=now,
            project=trigger.project if trigger is not None else "",
            trigger=trigger.name if trigger is not None else "",
        )
        self._some.set()

    async def run(self) -> None:
        """Write down what comes, until cancelled, and then what is left."""
        try:
            while True:
                await self._some.wait()
                await asyncio.sleep(COLLECT_SECONDS)
                await self.write()
        finally:
            if self._found:
                await self.write()

    async def write(self) -> None:
        """Write down what was collected; a store that fails loses it, which harms nobody."""
        found, self._found = list(self._found.values()), {}
        self._some.clear()
        try:
            await asyncio.to_thread(self._write, found)
        except Exception as error:
            log.log(action="refused_requests_lost", level="warning", error=str(error))

    def _write(self, found: list[Refused]) -> None:
        urls = self._store.triggers.urls() if any(item.code == "AK3404" for item in found) else []
        self._store.refused.add([explained(self._store, item, urls) for item in found])

    async def stop(self, task: asyncio.Task[None]) -> None:
        """End `run`."""
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def explained(store: Store, item: Refused, urls: list[tuple[str, str, str]]) -> Refused:
    """The request with why it was refused, and whose webhook it was, or was probably meant to be."""
    if item.code != "AK3404":
        return replace(item, reason=_REASONS.get(item.code) or TEXTS[item.code])
    parts = [part for part in item.path.split("/") if part]
    known = {slug: (project, trigger) for project, trigger, slug in urls}
    below = parts[0] if parts and f"/{parts[0]}" == WEBHOOKS_PATH else ""
    slug = next((part for part in parts if part in known), "")
    if slug:
        project, trigger = known[slug]
        return replace(
            item, project=project, trigger=trigger, reason=_known(store, slug, project, trigger, parts)
        )
    if below and len(parts) > 1:
        near = _nearest(parts[1], known)
        if near:
            project, trigger = known[near]
            reason = f"it is nearly the URL of the webhook {trigger} of {project}"
            return replace(item, project=project, trigger=trigger, reason=reason)
    for project, trigger, _ in urls:
        if trigger in parts:
            reason = f"no name stands in a webhook's URL: `ak trigger get {project} {trigger}` shows it"
            return replace(item, project=project, trigger=trigger, reason=reason)
    return replace(item, reason="no webhook is there, and none was")


def _known(store: Store, slug: str, project: str, trigger: str, parts: list[str]) -> str:
    if store.triggers.by_slug(slug) is None:
        return f"{project} has no webhook {trigger} any more"
    if store.deployments.active(project) is None:
        return f"{project} has no active deployment"
    if parts[:2] != [WEBHOOKS_PATH.strip("/"), slug]:
        return f"the path of the webhook {trigger} begins with {WEBHOOKS_PATH}/{slug}"
    return "it was there a moment later"


def _nearest(slug: str, known: dict[str, tuple[str, str]]) -> str:
    if len(slug) >= _FEWEST_CHARACTERS:
        begun = [item for item in known if item.startswith(slug) or slug.startswith(item)]
        if len(begun) == 1:
            return begun[0]
    return next(iter(difflib.get_close_matches(slug, known, 1, _ALIKE)), "")
