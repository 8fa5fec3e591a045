"""What is known of the signal over time: changes of lock, the last good format, the true rate."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, replace
from itertools import pairwise

from edge.model.frame import Frame
from edge.model.signal import Signal, SignalState
from edge.model.video import VideoFormat
from edge.ports import Clock

_RATE_WINDOW = 121
_ENOUGH = 10


@dataclass(frozen=True, slots=True)
class SignalReport:
    """`measured_fps` is None until enough frames came; ages in seconds.

    `jitter_us`: 95 % of the intervals between captures differ from the mean one by less.
    """

    signal: Signal
    lock_changes: int
    last_change_age_s: float
    last_good: VideoFormat | None
    measured_fps: float | None
    jitter_us: int | None
    gaps: int


class SignalBook:
    """Fed by the capture loop, read by status. Thread-safe."""

    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._signal = Signal(SignalState.NO_DEVICE, "not opened yet")
        self._changes = 0
        self._changed_ns = clock.mono_ns()
        self._last_good: VideoFormat | None = None
        self._captured: deque[int] = deque(maxlen=_RATE_WINDOW)
        self._last_seq: int | None = None
        self._gaps = 0

    def note_signal(self, signal: Signal) -> None:
        with self._lock:
            self._move_to(signal)

    def note_frame(self, frame: Frame) -> None:
        """A frame is the positive evidence of lock."""
        with self._lock:
            locked = Signal(SignalState.LOCKED, format=frame.format)
            if self._signal.format != frame.format:
                self._captured.clear()
            self._last_good = frame.format
            if self._signal != locked:
                self._move_to(locked)
            if self._last_seq is not None and frame.seq > self._last_seq + 1:
                self._gaps += frame.seq - self._last_seq - 1
            self._last_seq = frame.seq
            self._captured.append(frame.stamps.captured_ns)

    @property
    def last_good(self) -> VideoFormat | None:
        return self._last_good

    @property
    def signal(self) -> Signal:
        return self._signal

    def report(self) -> SignalReport:
        with self._lock:
            return SignalReport(
                signal=self._signal,
                lock_changes=self._changes,
                last_change_age_s=(self._clock.mono_ns() - self._changed_ns) / 1e9,
                last_good=self._last_good,
                measured_fps=self._measured_fps(),
                jitter_us=self._jitter_us(),
                gaps=self._gaps,
            )

    def _move_to(self, signal: Signal) -> None:
        was, self._signal = self._signal, signal
        if not signal.locked:
            self._signal = replace(signal, format=None)
            self._last_seq = None
        if was.state is not signal.state or (signal.locked and was.format != signal.format):
            self._changes += 1
            self._changed_ns = self._clock.mono_ns()

    def _measured_fps(self) -> float | None:
        if len(self._captured) < _ENOUGH:
            return None
        span_ns = self._captured[-1] - self._captured[0]
        return (len(self._captured) - 1) * 1e9 / span_ns if span_ns > 0 else None

    def _jitter_us(self) -> int | None:
        stamps = self._captured
        if len(stamps) < _ENOUGH:
            return None
        mean_ns = (stamps[-1] - stamps[0]) / (len(stamps) - 1)
        off_ns = sorted(abs(after - before - mean_ns) for before, after in pairwise(stamps))
        return round(off_ns[int(len(off_ns) * 0.95)] / 1000)
