"""Which fault is on: what was asked for last, by the script or by hand. Thread-safe."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from board.sim.fault import NO_FAULT, SimFault, check_seconds
from board.sim.script import Cue, FaultScript


class FaultStage:
    """One fault at a time; a new one replaces the old one, and a timed one ends in NO_FAULT."""

    def __init__(self, script: FaultScript | None) -> None:
        self._cues: Iterator[Cue] = iter(()) if script is None else script.play()
        self._next: Cue | None = next(self._cues, None)
        self._began_ns: int | None = None
        self._fault = NO_FAULT
        self._until_ns: int | None = None
        self._lock = threading.Lock()

    def begin(self, now_ns: int) -> None:
        """The script's second 0; later calls change nothing: its time runs on while a device is away."""
        with self._lock:
            if self._began_ns is None:
                self._began_ns = now_ns

    def put(self, fault: SimFault, seconds: float | None, now_ns: int) -> None:
        """Raises Invalid on a length that is not above zero."""
        check_seconds(seconds)
        with self._lock:
            self._play(now_ns)
            self._set(fault, seconds, now_ns)

    def at(self, now_ns: int) -> tuple[SimFault, int | None]:
        """The fault that is on, and when that may change next (None: only by `put`)."""
        with self._lock:
            self._play(now_ns)
            changes = [ns for ns in (self._until_ns, self._next_ns()) if ns is not None]
            return self._fault, min(changes, default=None)

    def _play(self, now_ns: int) -> None:
        while self._next is not None and (at_ns := self._next_ns()) is not None and at_ns <= now_ns:
            self._set(self._next.fault, self._next.seconds, at_ns)
            self._next = next(self._cues, None)
        if self._until_ns is not None and self._until_ns <= now_ns:
            self._set(NO_FAULT, None, now_ns)

    def _set(self, fault: SimFault, seconds: float | None, at_ns: int) -> None:
        self._fault = fault
        self._until_ns = None if seconds is None else at_ns + round(seconds * 1e9)

    def _next_ns(self) -> int | None:
        if self._next is None or self._began_ns is None:
            return None
        return self._began_ns + round(self._next.at_s * 1e9)
