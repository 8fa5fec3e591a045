"""When to look at the signal, and when to believe what was seen: a pure state machine."""

from __future__ import annotations

from board.v4l2.probe import Reading
from edge.model.signal import SignalState

_POLL_NS = 1_000_000_000
_SETTLE_NS = 150_000_000
_UNSETTLED = Reading(SignalState.NO_DEVICE, "not looked at yet")


class SignalWatch:
    """Asks for one look a second, at once after an event, and again soon while looks differ.

    A reading is believed (`settled`) when two looks at least 150 ms apart agree, so that a
    plug which bounces makes one change and not ten. `doubtful` is true from the first sign
    of another signal until then: pictures of that time are not to be trusted.
    Times are CLOCK_MONOTONIC in ns.
    """

    def __init__(self) -> None:
        self.settled = _UNSETTLED
        self.doubtful = True
        self._candidate: Reading | None = None
        self._candidate_ns = 0
        self._due_ns = 0

    def note_event(self, now_ns: int) -> None:
        """The driver says that something changed."""
        self.doubtful = True
        self._candidate = None
        self._due_ns = now_ns

    def due_ns(self) -> int:
        """When the next look is wanted; it may lie in the past."""
        return self._due_ns

    def seen(self, reading: Reading | None, now_ns: int) -> bool:
        """Take what a look saw (None: the driver was busy); True when `settled` has become another reading."""
        if reading is None:
            self._due_ns = now_ns + _SETTLE_NS
            return False
        if reading.agrees(self.settled) and self._candidate is None and not self.doubtful:
            self._due_ns = now_ns + _POLL_NS
            return False
        if self._candidate is None or not reading.agrees(self._candidate):
            self._candidate, self._candidate_ns = reading, now_ns
            self.doubtful = True
            self._due_ns = now_ns + _SETTLE_NS
            return False
        if now_ns - self._candidate_ns < _SETTLE_NS:
            self._due_ns = self._candidate_ns + _SETTLE_NS
            return False
        return self._settle(reading, now_ns)

    def _settle(self, reading: Reading, now_ns: int) -> bool:
        changed = not reading.agrees(self.settled)
        self.settled = reading
        self.doubtful = False
        self._candidate = None
        self._due_ns = now_ns + _POLL_NS
        return changed
