"""Waits between tries: doubling, jittered, reset after a healthy while."""

from __future__ import annotations

import random
from collections.abc import Callable


class Backoff:
    """0.5 s doubling to 30 s by default; a run of `healthy_s` or more starts over.

    `least` is the smallest part of a step that is waited: half of it, or 0 where many boxes retry at one server.
    """

    def __init__(
        self,
        *,
        first_s: float = 0.5,
        cap_s: float = 30.0,
        healthy_s: float = 60.0,
        least: float = 0.5,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._first_s = first_s
        self._cap_s = cap_s
        self._healthy_s = healthy_s
        self._least = least
        self._chance = chance
        self._tries = 0

    def next_wait_s(self, *, ran_s: float = 0.0) -> float:
        """Seconds to wait now, after a try that ran for `ran_s`; between `least` of the step and all of it."""
        if ran_s >= self._healthy_s:
            self._tries = 0
        step = min(self._cap_s, self._first_s * 2.0**self._tries)
        self._tries = min(self._tries + 1, 32)
        return step * (self._least + self._chance() * (1 - self._least))
