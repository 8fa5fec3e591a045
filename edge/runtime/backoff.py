"""Waits between tries: doubling, jittered, reset after a healthy while."""

from __future__ import annotations

import random
from collections.abc import Callable


class Backoff:
    """0.5 s doubling to 30 s by default; a run of `healthy_s` or more starts over."""

    def __init__(
        self,
        *,
        first_s: float = 0.5,
        cap_s: float = 30.0,
        healthy_s: float = 60.0,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._first_s = first_s
        self._cap_s = cap_s
        self._healthy_s = healthy_s
        self._chance = chance
        self._tries = 0

    def next_wait_s(self, *, ran_s: float = 0.0) -> float:
        """Seconds to wait now, after a try that ran for `ran_s`; between 50 % and 100 % of the step."""
        if ran_s >= self._healthy_s:
            self._tries = 0
        step = min(self._cap_s, self._first_s * 2.0**self._tries)
        self._tries = min(self._tries + 1, 32)
        return step * (0.5 + self._chance() / 2)
