"""What a rung has put out lately."""

from __future__ import annotations

from collections import deque

from edge.model.frame import AccessUnit
from edge.ports import Clock

_SPAN_NS = 2_000_000_000
_KEPT = 600


class UnitCount:
    """`add` from the rung's thread, the rest from any."""

    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock
        self._sizes: deque[tuple[int, int]] = deque(maxlen=_KEPT)
        self.units = 0
        self.keyframes = 0

    def add(self, unit: AccessUnit) -> None:
        self.units += 1
        self.keyframes += unit.key
        self._sizes.append((unit.stamps.encode_end_ns, len(unit.data)))

    def bitrate_bps(self) -> int:
        """Of the last two seconds."""
        recent, span_s = self._recent()
        return int(sum(recent) * 8 / span_s)

    def fps(self) -> float:
        recent, span_s = self._recent()
        return round(len(recent) / span_s, 2)

    def _recent(self) -> tuple[list[int], float]:
        """Sizes in bytes and the seconds that they took."""
        now = self._clock.mono_ns()
        recent = [(at, size) for at, size in tuple(self._sizes) if now - at <= _SPAN_NS]
        span_s = max((now - recent[0][0]) / 1e9, 0.1) if recent else 1.0
        return [size for _, size in recent], span_s
