"""Bound the work of one evaluation: loops inside a filter end, whatever the data."""

from __future__ import annotations

import time
from collections.abc import Callable

from manifest.cel_values import BudgetError

MAX_STEPS = 1_000_000
MAX_SECONDS = 2.0
_STEPS_PER_CLOCK_READING = 16


class Budget:
    """Counts the rounds of all loops of one evaluation, and now and then reads the clock."""

    __slots__ = ("_clock", "_deadline", "_steps_left")

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._deadline = clock() + MAX_SECONDS
        self._steps_left = MAX_STEPS

    def step(self) -> None:
        """Count one round.

        Raises:
            BudgetError: There were too many, or they took too long.
        """
        self._steps_left -= 1
        if self._steps_left % _STEPS_PER_CLOCK_READING:
            return
        if self._steps_left <= 0:
            raise BudgetError(f"the filter's loops take more than {MAX_STEPS:,} steps for these data")
        if self._clock() > self._deadline:
            raise BudgetError(f"the filter takes more than {MAX_SECONDS:g} seconds for these data")
