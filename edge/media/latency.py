"""The latency book: p50, p95, p99 per stage over the last ten seconds."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from edge.model.frame import AccessUnit
from edge.ports import Clock

_WINDOW_NS = 10_000_000_000
_MOST = 2048


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Microseconds."""

    p50: int
    p95: int
    p99: int


def percentiles(values: Sequence[int]) -> Percentiles | None:
    """Nearest-rank percentiles of nanoseconds, as microseconds; None of nothing."""
    if not values:
        return None
    ranked = sorted(values)
    last = len(ranked) - 1

    def at(share: float) -> int:
        return ranked[min(last, int(share * len(ranked)))] // 1000

    return Percentiles(at(0.50), at(0.95), at(0.99))


class LatencyBook:
    """Stages are named as in docs/contracts/timing.md. Thread-safe; cheap to write."""

    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._stages: dict[str, deque[tuple[int, int]]] = {}

    def record(self, stage: str, duration_ns: int) -> None:
        with self._lock:
            samples = self._stages.get(stage)
            if samples is None:
                samples = self._stages[stage] = deque(maxlen=_MOST)
            samples.append((self._clock.mono_ns(), duration_ns))

    def delivered(self, sink: str, unit: AccessUnit, *, taken_ns: int, sent_ns: int) -> None:
        """One unit handed over by one sink; slates count for the sink but not for `box`."""
        stamps = unit.stamps
        self.record(f"queue:{sink}", taken_ns - stamps.encode_end_ns)
        self.record(f"send:{sink}", sent_ns - taken_ns)
        if unit.live:
            self.record(f"box:{sink}", sent_ns - stamps.captured_ns)

    def forget(self, sink: str) -> None:
        with self._lock:
            for stage in ("queue", "send", "box"):
                self._stages.pop(f"{stage}:{sink}", None)

    def report(self) -> dict[str, Percentiles]:
        """Stages that saw anything within the window; `box` is that of the slowest receiver."""
        since_ns = self._clock.mono_ns() - _WINDOW_NS
        with self._lock:
            recent = {name: [d for at, d in samples if at >= since_ns] for name, samples in self._stages.items()}
        stages = {name: found for name, values in recent.items() if (found := percentiles(values)) is not None}
        boxes = [stages.pop(name) for name in tuple(stages) if name.startswith("box:")]
        return {**stages, "box": max(boxes, key=lambda box: box.p95)} if boxes else stages
