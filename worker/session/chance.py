"""Chance for one session: the same numbers on every replay, and none that others can foretell.

``random`` promises no secrecy, so it is seeded with what Temporal derives from the run. ``uuid``, ``secrets`` and
``os.urandom`` do: whoever sees a run id must not be able to compute a token from it. They are a stream of HMACs
under a key of the installation, counted from the start of the run; nothing of it stands in the history.
"""

from __future__ import annotations

import hashlib
import hmac
import uuid
from typing import Any

from temporalio import workflow

_Block = bytes  # a name that the class below does not give to a method


class Chance:
    """The sources of chance of one session."""

    def __init__(self, entropy: bytes, run_id: str) -> None:
        self._entropy = entropy
        self._generator: Any = None
        self._random_seed = b""
        self.seed(run_id)

    def seed(self, run_id: str, *, keep_random: bool = False) -> None:
        """Begin the numbers of a run; with ``keep_random`` the generator that may be seeded goes on as it is."""
        if keep_random and not self._random_seed:
            self._random_seed = self._block(0)[:16]  # a fork goes live where Temporal gives no generator
        self._run_id = run_id
        self._key = b""
        self._counter = 0
        if not keep_random:
            self._generator, self._random_seed = None, b""
            self._counter = 1  # the first block is the generator's seed

    @property
    def random(self) -> Any:
        """The generator that the user may seed; made when it is asked for, since it takes 2.5 KiB and few do."""
        if self._generator is None:
            # The type of Temporal's own generator, so that the user's seed() never touches Temporal's.
            seed = self._random_seed or self._block(0)[:16]
            self._generator = type(workflow.random())(int.from_bytes(seed, "big"))
        return self._generator

    def bytes(self, count: int) -> bytes:
        """``count`` bytes that nobody without the installation's key can foretell."""
        blocks = []
        for _ in range(-(-count // hashlib.sha256().digest_size)):
            blocks.append(self._block(self._counter))
            self._counter += 1
        return b"".join(blocks)[:count]

    def _block(self, number: int) -> _Block:
        if not self._key:
            self._key = hmac.digest(self._entropy, b"session " + self._run_id.encode(), hashlib.sha256)
        return hmac.digest(self._key, number.to_bytes(8, "big"), hashlib.sha256)

    def below(self, limit: int) -> int:
        """A number from 0 to ``limit`` - 1, without bias."""
        if limit <= 0:
            raise ValueError("Upper bound must be positive.")
        size = (limit.bit_length() + 7) // 8 + 8
        return int.from_bytes(self.bytes(size), "big") % limit

    def uuid4(self) -> uuid.UUID:
        """A random UUID."""
        return uuid.UUID(bytes=self.bytes(16), version=4)
