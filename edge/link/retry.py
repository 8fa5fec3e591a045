"""When to try the broker again: spread over the fleet, backing off, never two boxes in a duel."""

from __future__ import annotations

import random
from collections.abc import Callable

CAP_S = 300.0
STABLE_S = 60.0
_TRIES_AT_CAP = 9  # 2^9 s is above the cap


class Retry:
    """First retry after U(0, spread), then U(0, min(300, 2^n)); only 60 s of connection start over.

    Being refused (credentials, or another client with our id took over) goes straight to the cap.
    Source: docs/contracts/mqtt.md, table of failures.
    """

    def __init__(self, *, spread_s: float, chance: Callable[[], float] = random.random) -> None:
        self.spread_s = spread_s
        self._chance = chance
        self._tries = 0

    def next_wait_s(self, *, connected_s: float, refused: bool = False) -> float:
        """Seconds to wait now, after a connection that held for `connected_s` (0 when there was none)."""
        if connected_s >= STABLE_S:
            self._tries = 0
        if refused:
            self._tries = _TRIES_AT_CAP
        wait_s = self._chance() * self._ceiling_s()
        self._tries = min(self._tries + 1, _TRIES_AT_CAP)
        return wait_s

    def _ceiling_s(self) -> float:
        return self.spread_s if self._tries == 0 else min(CAP_S, 2.0**self._tries)
