"""When to look at the signal, and when to believe what was seen: a pure state machine."""

from __future__ import annotations

from board.v4l2.probe import Reading
from edge.model.signal import SignalState

_POLL_NS = 1_000_000_000
_SETTLE_NS = 150_000_000
_UNDECIDED_NS = 1_500_000_000
_UNSETTLED = Reading(SignalState.NO_DEVICE, "not looked at yet")


class SignalWatch:
    """Asks for one look a second, at once after an event, and again soon while looks differ.

    A reading is believed (`settled`) when two looks at least 150 ms apart agree, so that a
    plug which bounces makes one change and not ten. `doubtful` is true from the first sign
    of another signal until then: pictures of that time are not to be trusted. A single odd look
    that no event announced is forgotten as soon as the next one is as before.
    Times are CLOCK_MONOTONIC in ns.
    """

    def __init__(self, now_ns: int) -> None:
        self.settled = _UNSETTLED
        self._doubt_since_ns: int | None = now_ns
        self._told = True
        self._candidate: Reading | None = None
        self._candidate_ns = 0
        self._due_ns = now_ns

    @property
    def doubtful(self) -> bool:
        return self._doubt_since_ns is not None

    def undecided(self, now_ns: int) -> bool:
        """Whether doubt has lasted too long: looks differ again and again, or the driver cannot look."""
        return self._doubt_since_ns is not None and now_ns - self._doubt_since_ns >= _UNDECIDED_NS

    def note_event(self, now_ns: int) -> None:
        """The driver says that something changed."""
        self._doubt(now_ns)
        self._told = True
        self._candidate = None
        self._due_ns = now_ns

    def forget(self, now_ns: int) -> None:
        """Whatever is seen next is another reading."""
        self.settled = _UNSETTLED
        self._told = True
        self._doubt_since_ns = now_ns

    def due_ns(self) -> int:
        """When the next look is wanted; it may lie in the past."""
        return self._due_ns

    def seen(self, reading: Reading | None, now_ns: int) -> bool:
        """Take what a look saw (None: the driver was busy); True when `settled` has become another reading."""
        if reading is None:
            self._due_ns = now_ns + (_SETTLE_NS if self.doubtful else _POLL_NS)
            return False
        if not self._told and reading.agrees(self.settled):
            return self._settle(self.settled, now_ns)
        self._doubt(now_ns)
        if self._candidate is None or not reading.agrees(self._candidate):
            self._candidate, self._candidate_ns = reading, now_ns
        if now_ns - self._candidate_ns < _SETTLE_NS:
            self._due_ns = self._candidate_ns + _SETTLE_NS
            return False
        return self._settle(reading, now_ns)

    def _doubt(self, now_ns: int) -> None:
        if self._doubt_since_ns is None:
            self._doubt_since_ns = now_ns

    def _settle(self, reading: Reading, now_ns: int) -> bool:
        changed = not reading.agrees(self.settled)
        self.settled = reading
        self._doubt_since_ns = self._candidate = None
        self._told = False
        self._due_ns = now_ns + _POLL_NS
        return changed
