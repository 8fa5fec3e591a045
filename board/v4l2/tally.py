"""What outlives a start of the stream: counts of damage, frame numbers, the time of the last picture."""

from __future__ import annotations

from dataclasses import dataclass

from edge.model.frame import Stamps

_OLDEST_NS = 2_000_000_000
_AHEAD_NS = 20_000_000  # drivers that stamp the nominal time run ahead by a tick of their timer
_SEQUENCES = 1 << 32
_BELIEVABLE_GAP = 1000


@dataclass(slots=True)
class Damage:
    """What could not be shown, counted since the source was made. `last` is the last reason."""

    short: int = 0
    corrupt: int = 0
    passed: int = 0
    odd_stamps: int = 0
    last: str = ""

    def note_short(self, reason: str) -> None:
        self.short += 1
        self.last = reason

    def note_corrupt(self, reason: str) -> None:
        self.corrupt += 1
        self.last = reason


@dataclass(slots=True)
class FrameNumbers:
    """Our frame numbers: they rise for ever, and keep the driver's gaps."""

    number: int = -1
    _driver: int | None = None

    def restart(self) -> None:
        """The driver begins to count anew."""
        self._driver = None

    def next_for(self, driver: int) -> int:
        """The driver's numbers are of 32 bits and wrap; a step back or a leap counts as one."""
        step = 1 if self._driver is None else (driver - self._driver) % _SEQUENCES
        self._driver = driver
        self.number += step if 0 < step < _BELIEVABLE_GAP else 1
        return self.number


class Tally:
    """One for each source."""

    def __init__(self) -> None:
        self.damage = Damage()
        self.numbers = FrameNumbers()
        self._last_ns = 0

    def stamps(self, driver_ns: int, *, monotonic: bool, now_ns: int) -> Stamps:
        """Capture times that rise: the driver's where it is CLOCK_MONOTONIC and can be true, else the time of taking.

        A stamp that lies a little ahead is drawn back to now.
        """
        captured_ns = min(driver_ns, now_ns)
        believable = monotonic and now_ns - _OLDEST_NS <= driver_ns <= now_ns + _AHEAD_NS
        if not believable or captured_ns <= self._last_ns:
            self.damage.odd_stamps += 1
            captured_ns = max(now_ns, self._last_ns + 1)
        self._last_ns = captured_ns
        return Stamps(captured_ns=captured_ns, dequeued_ns=max(now_ns, captured_ns))
