"""Chance for one session: the same numbers on every replay, and none that others can foretell.

``random`` promises no secrecy, so it is seeded with what Temporal derives from the run. ``uuid``, ``secrets`` and
``os.urandom`` do: whoever sees a run id must not be able to compute a token from it. They are a stream of HMACs
under a key of the installation, counted from the start of the run; nothing of it stands in the history.
"""

from __future__ import annotations

import hashlib
import hmac
import uuid

from temporalio import workflow


class Chance:
    """The sources of chance of one session."""

    def __init__(self, entropy: bytes, run_id: str) -> None:
        self._entropy = entropy
        self.seed(run_id)

    def seed(self, run_id: str, *, keep_random: bool = False) -> None:
        """Begin the numbers of a run; with ``keep_random`` the generator that may be seeded goes on as it is."""
        self._key = hmac.digest(self._entropy, b"session " + run_id.encode(), hashlib.sha256)
        self._counter = 0
        if keep_random:
            return
        # The type of Temporal's own generator, so that the user's seed() never touches Temporal's.
        self.random = type(workflow.random())(int.from_bytes(self.bytes(16), "big"))

    def bytes(self, count: int) -> bytes:
        """``count`` bytes that nobody without the installation's key can foretell."""
        blocks = []
        for _ in range(-(-count // hashlib.sha256().digest_size)):
            blocks.append(hmac.digest(self._key, self._counter.to_bytes(8, "big"), hashlib.sha256))
            self._counter += 1
        return b"".join(blocks)[:count]

    def below(self, limit: int) -> int:
        """A number from 0 to ``limit`` - 1, without bias."""
        if limit <= 0:
            raise ValueError("Upper bound must be positive.")
        size = (limit.bit_length() + 7) // 8 + 8
        return int.from_bytes(self.bytes(size), "big") % limit

    def uuid4(self) -> uuid.UUID:
        """A random UUID."""
        return uuid.UUID(bytes=self.bytes(16), version=4)
