"""The clock of whoever shares a machine with its controller."""

from __future__ import annotations

from edge.runtime.clock import SystemClock


class OneClock(SystemClock):
    """With a broker on loopback, box and controller read the same clock: nothing needs to discipline it."""

    def synchronised(self) -> bool:
        return True
