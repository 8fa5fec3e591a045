"""A path with a bottleneck as arithmetic: what a sender at some rate would be told of it, 100 ms at a time."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from edge.model.feedback import LinkReport, Role

TICK_MS = 10
REPORT_MS = 100


@dataclass(frozen=True, slots=True)
class _Tick:
    sent: float
    delivered: float
    lost: float


@dataclass(slots=True)
class SimulatedPath:
    """`carries_bps` of the time in ms. More than `most_queue_ms` never waits: it is lost, as at a router's full queue.

    Everything is heard of half a round trip late. `jitter_ms` is added to what a report says of the queue.
    """

    carries_bps: Callable[[int], float]
    rtt_ms: int = 40
    most_queue_ms: float = 500
    jitter_ms: float = 0
    loss: float = 0
    name: str = "viewer"
    role: Role = Role.GUIDE
    seed: int = 1
    _waiting: float = 0
    _ticks: deque[_Tick] = field(default_factory=lambda: deque(maxlen=100))
    _on_the_way: deque[tuple[int, LinkReport]] = field(default_factory=deque)
    _random: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)  # noqa: S311 - no secret

    @property
    def queue_ms(self) -> float:
        return self._queue_ms

    _queue_ms: float = 0

    def pass_tick(self, now_ms: int, sent_bps: float) -> None:
        """Ten milliseconds at that rate."""
        carries = self.carries_bps(now_ms)
        sent = sent_bps * TICK_MS / 1000
        lost = sent * self.loss
        self._waiting += sent - lost
        delivered = min(self._waiting, carries * TICK_MS / 1000)
        self._waiting -= delivered
        over = max(0.0, self._waiting - carries * self.most_queue_ms / 1000) if carries else 0.0
        self._waiting -= over
        self._queue_ms = 1000 * self._waiting / carries if carries else self._queue_ms + TICK_MS
        self._ticks.append(_Tick(sent, delivered, lost + over))
        if now_ms % REPORT_MS == 0 and delivered:
            self._on_the_way.append((now_ms + self.rtt_ms // 2, self._report()))

    def heard(self, now_ms: int) -> list[LinkReport]:
        """The reports that have come back by now."""
        come = []
        while self._on_the_way and self._on_the_way[0][0] <= now_ms:
            come.append(self._on_the_way.popleft()[1])
        return come

    def _report(self) -> LinkReport:
        recent = list(self._ticks)[-50:]
        seconds = len(recent) * TICK_MS / 1000
        sent, lost = sum(tick.sent for tick in self._ticks), sum(tick.lost for tick in self._ticks)
        return LinkReport(
            sink=self.name,
            role=self.role,
            sent_bps=round(sum(tick.sent for tick in recent) / seconds),
            delivered_bps=round(sum(tick.delivered for tick in recent) / seconds),
            rtt_ms=self.rtt_ms + self._queue_ms,
            queue_ms=max(0.0, self._queue_ms + self._random.uniform(0, self.jitter_ms)),
            loss=lost / sent if sent else 0.0,
        )
