"""Large payloads lie in the store and travel as a reference: Temporal takes 2 MiB, and histories should stay small.

A payload codec of Temporal's: it works outside of sessions, after everything that they decided. Blobs are named by their
content, so writing one again, in a replay for example, changes nothing, and what is read is checked.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Sequence
from typing import Final, Protocol

from temporalio.api.common.v1 import Payload
from temporalio.converter import PayloadCodec

from worker import clock
from worker.errors import PayloadError

THRESHOLD_BYTES: Final = 256 * 1024
REFERENCE: Final = "autokitteh-blob"
_SHOWN_CHARACTERS: Final = 200
_REMEMBERED: Final = 10_000
_SAY_AGAIN_SECONDS: Final = 43_200.0  # a blob that is used is written again, so that it is known to be in use


class Blobs(Protocol):
    """Where blobs are kept."""

    def put(self, identifier: str, content: bytes, /) -> None:
        """Keep one; the same name is the same content."""

    def get(self, identifier: str, /) -> bytes | None:
        """One, or None."""


class LargePayloads(PayloadCodec):
    """Puts payloads above the threshold into the store."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs
        self._kept: dict[str, float] = {}  # and when that was said

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """References for the large ones, the others as they are."""
        return [await self._out(item) if len(item.data) > THRESHOLD_BYTES else item for item in payloads]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """What the references refer to.

        Raises:
            PayloadError: it is not in the store.
        """
        return [await self._in(item) if REFERENCE in item.metadata else item for item in payloads]

    async def _out(self, payload: Payload) -> Payload:
        content = payload.SerializeToString(deterministic=True)
        name = f"blob_{hashlib.sha256(content).hexdigest()}"
        now = clock.monotonic()
        if now - self._kept.get(name, -_SAY_AGAIN_SECONDS) >= _SAY_AGAIN_SECONDS:
            await asyncio.to_thread(self._blobs.put, name, content)
            if len(self._kept) >= _REMEMBERED:
                self._kept.clear()
            self._kept[name] = now
        shown = payload.data[:_SHOWN_CHARACTERS].decode(errors="replace")
        data = {"blob": name, "bytes": len(payload.data), "begins": shown}
        return Payload(
            metadata={"encoding": b"json/plain", REFERENCE: name.encode()},
            data=json.dumps(data, ensure_ascii=False).encode(),
        )

    async def _in(self, payload: Payload) -> Payload:
        name = payload.metadata[REFERENCE].decode()
        content = await asyncio.to_thread(self._blobs.get, name)
        if content is None or f"blob_{hashlib.sha256(content).hexdigest()}" != name:
            raise PayloadError(
                f"a large value is not in the store: {name}",
                hint="Use the database that the session was started with; its contents are needed as long as Temporal keeps histories.",
            )
        return Payload.FromString(content)
