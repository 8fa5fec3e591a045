"""Deadlines at an exact frame rate."""

from __future__ import annotations

from fractions import Fraction

_SECOND_NS = 1_000_000_000


class Cadence:
    """Frame n is due at start + n / fps, in integer ns: no sum of rounded periods, so no drift."""

    def __init__(self, fps: Fraction, *, start_ns: int) -> None:
        self._numerator = fps.numerator
        self._period = fps.denominator * _SECOND_NS
        self._start_ns = start_ns

    def due_ns(self, index: int) -> int:
        return self._start_ns + -(-index * self._period // self._numerator)

    def newest_due(self, now_ns: int) -> int:
        """The last frame whose deadline is not after `now_ns`; below 0 before the first."""
        return (now_ns - self._start_ns) * self._numerator // self._period
