"""Bounded queues between threads; each names what it drops."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import replace

from edge.model.frame import AccessUnit, Frame


class LatestOnly:
    """Raw frames for a rung: holds one; a newer frame replaces an older one.

    What must not be lost with the replaced frame (`discontinuity`) is OR-ed into the survivor.
    Takes over the lease of each frame put in.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._frame: Frame | None = None
        self.dropped = 0

    def put(self, frame: Frame) -> None:
        with self._changed:
            old, self._frame = self._frame, frame
            if old is not None:
                self.dropped += 1
                self._frame = frame.marked(discontinuity=frame.discontinuity or old.discontinuity)
            self._changed.notify()
        if old is not None:
            old.lease.release()

    def take(self, timeout_s: float) -> Frame | None:
        """The newest frame, None on time-out."""
        with self._changed:
            self._changed.wait_for(lambda: self._frame is not None, timeout_s)
            frame, self._frame = self._frame, None
            return frame


class DropToKeyframe:
    """Access units for a live sink: when the oldest is older than `max_age_ns` or the queue is
    full, everything goes and only the next keyframe opens it again. *Drop, do not drift.*
    So it does when the oldest has waited here for `max_wait_ns`, whatever its age when it came.

    `put` returns True when the consumer now needs a keyframe. A gap is a discontinuity: the
    keyframe that survives it carries the flag.
    """

    def __init__(self, *, max_age_ns: int, max_wait_ns: int | None = None, max_units: int = 256) -> None:
        self._changed = threading.Condition()
        self._units: deque[tuple[AccessUnit, int]] = deque()
        self._max_age_ns = max_age_ns
        self._max_wait_ns = max_age_ns if max_wait_ns is None else max_wait_ns
        self._max_units = max_units
        self._gated = True
        self._gap = False
        self._closed = False
        self.dropped = 0

    def put(self, unit: AccessUnit, *, now_ns: int) -> bool:
        with self._changed:
            if self._units and self._stale(now_ns):
                self._drop_all()
            if self._gated:
                if not unit.key:
                    self.dropped += 1
                    return True
                self._gated = False
                if self._gap:
                    unit, self._gap = replace(unit, discontinuity=True), False
            self._units.append((unit, now_ns))
            self._changed.notify()
            return False

    def take(self, timeout_s: float) -> AccessUnit | None:
        """The oldest unit, None on time-out."""
        with self._changed:
            self._changed.wait_for(lambda: self._units or self._closed, timeout_s)
            return self._units.popleft()[0] if self._units else None

    def waiting_since_ns(self) -> int | None:
        """When the oldest was put in; None when there is none."""
        with self._changed:
            return self._units[0][1] if self._units else None

    def wait_for_keyframe(self) -> None:
        """Drop what waits and hold back until the next keyframe (the consumer starts anew)."""
        with self._changed:
            self._drop_all()

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _stale(self, now_ns: int) -> bool:
        unit, put_ns = self._units[0]
        too_old = now_ns - unit.stamps.encode_end_ns > self._max_age_ns or now_ns - put_ns > self._max_wait_ns
        return too_old or len(self._units) >= self._max_units

    def _drop_all(self) -> None:
        self.dropped += len(self._units)
        self._units.clear()
        self._gated = self._gap = True
