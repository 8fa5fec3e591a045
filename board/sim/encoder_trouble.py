"""What may go wrong with the simulated board's encoder, in the words of `sim.fault`."""

from __future__ import annotations

import threading
from enum import StrEnum

from board.sim.fault import check_seconds
from edge.model.errors import Invalid
from edge.ports import Clock


class EncoderFault(StrEnum):
    """`encoder_ok`: nothing is wrong."""

    FAILS = "encoder_fails"
    STALLS = "encoder_stalls"
    GARBAGE = "encoder_garbage"
    SLOW = "encoder_slow"
    OK = "encoder_ok"


class EncoderTrouble:
    """One fault at a time; a timed one ends by itself. Thread-safe."""

    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._fault = EncoderFault.OK
        self._until_ns: int | None = None

    def knows(self, kind: str) -> bool:
        return kind in set(EncoderFault)

    def fault(self, kind: str, seconds: float | None) -> None:
        """Raises Invalid on an unknown kind, naming the allowed ones, and on a bad length."""
        if not self.knows(kind):
            raise Invalid(f"unknown fault {kind!r}; allowed: {', '.join(EncoderFault)}")
        check_seconds(seconds)
        with self._lock:
            self._fault = EncoderFault(kind)
            self._until_ns = None if seconds is None else self._clock.mono_ns() + round(seconds * 1e9)

    def now(self) -> EncoderFault:
        with self._lock:
            if self._until_ns is not None and self._clock.mono_ns() >= self._until_ns:
                self._fault, self._until_ns = EncoderFault.OK, None
            return self._fault
