"""`ctr` for commands: it rises from one to the next, over restarts too, without a write for each."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Protocol

SPAN_US = 10_000_000


class Reserves(Protocol):
    """What the counter needs of a home."""

    def reserve_ctr(self, now_us: int, span_us: int, *, leap: bool) -> int: ...


class Counter:
    """Follows the clock in microseconds, so that processes with one home take turns without asking each other.

    On disk stands how far numbers may have been given out, 10 s ahead at a time: a clock set back is no trap.
    """

    def __init__(
        self, home: Reserves, *, now_us: Callable[[], int] = lambda: time.time_ns() // 1000, span_us: int = SPAN_US
    ) -> None:
        self._home = home
        self._now_us = now_us
        self._span_us = span_us
        self._last = 0
        self._end = 0

    async def next(self) -> int:
        """Above every number before it. Raises Unavailable, Fault as the home does."""
        ctr = max(self._last + 1, self._now_us())
        if ctr >= self._end:
            ctr = max(ctr, await self._reserve(max(ctr, self._now_us()), leap=False))
        self._last = ctr
        return ctr

    async def leap(self) -> None:
        """A box has seen a higher one of our key: go above all that were ever reserved."""
        self._last = await self._reserve(self._now_us(), leap=True) - 1

    async def _reserve(self, least: int, *, leap: bool) -> int:
        first = await asyncio.to_thread(self._home.reserve_ctr, least, self._span_us, leap=leap)
        self._end = first + self._span_us
        return first
