"""A path made of numbers: a bottleneck with a queue in front of it, loss, and a receiver whose clock drifts."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from edge.rtc.transport_feedback import TransportFeedback

MS = 1_000_000
S = 1_000_000_000
SIZE = 1200


@dataclass
class PathSim:
    """`rate_bps` of the bottleneck; `way_ms` one way without queue; `drift_ppm` of the receiver's clock."""

    rate_bps: float = 100e6
    way_ms: float = 20.0
    loss: float = 0.0
    drift_ppm: float = 0.0
    clock_offset_ns: int = 40_000 * S
    cut: bool = False
    jitter_ms: float = 0.0
    free_ns: int = 0
    number: int = 0
    waiting: list[tuple[int, int | None]] = field(default_factory=list)
    dice: random.Random = field(default_factory=lambda: random.Random(7))  # noqa: S311 - a test's dice

    def send(self, sequence: int, now_ns: int, size: int = SIZE) -> None:
        self.free_ns = max(self.free_ns, now_ns) + int(size * 8e9 / self.rate_bps)
        late_ns = int((self.way_ms + self.dice.random() * self.jitter_ms) * MS)
        lost = self.cut or self.dice.random() < self.loss
        self.waiting.append((sequence & 0xFFFF, None if lost else self.free_ns + late_ns))

    def feedback(self, now_ns: int) -> TransportFeedback | None:
        """What the receiver tells at that time of ours, about all up to the last packet that arrived."""
        there = [index for index, (_, at_ns) in enumerate(self.waiting) if at_ns is not None and at_ns <= now_ns]
        if not there:
            return None
        told, self.waiting = self.waiting[: there[-1] + 1], self.waiting[there[-1] + 1 :]
        arrived = [(sequence, self.their_ns(at_ns)) for sequence, at_ns in told if at_ns is not None]
        reference = min(at_ns for _, at_ns in arrived) // (64 * MS)
        offsets = [(sequence, (at_ns - reference * 64 * MS) // 250_000 * 250_000) for sequence, at_ns in arrived]
        self.number += 1
        return TransportFeedback(
            base=told[0][0],
            count=len(told),
            reference=reference & 0xFFFFFF,
            number=self.number & 0xFF,
            arrivals=tuple(offsets),
        )

    def their_ns(self, ours_ns: int) -> int:
        return self.clock_offset_ns + ours_ns + int(ours_ns * self.drift_ppm / 1e6)


@dataclass
class Ride:
    """Sends at `rate_bps` in pictures at 30 a second and hands the path's answers back, one way later."""

    path: PathSim
    rate_bps: float
    sent: Callable[[int, int, int], None]
    heard: Callable[[TransportFeedback, int], None]
    now_ns: int = 5 * S
    sequence: int = 65_000
    owed: float = 0.0

    def go(self, seconds: float, *, every: Callable[[int], None] = lambda _: None) -> None:
        """`every` is called once in 100 ms."""
        until_ns = self.now_ns + int(seconds * S)
        while self.now_ns < until_ns:
            for _ in range(3):
                self._picture()
            self._listen()
            every(self.now_ns)

    def pause(self, seconds: float) -> None:
        """Sends nothing for so long."""
        for _ in range(int(seconds * 10)):
            self.now_ns += 100 * MS
            self._listen()

    def _listen(self) -> None:
        if (feedback := self.path.feedback(self.now_ns - int(self.path.way_ms * MS))) is not None:
            self.heard(feedback, self.now_ns)

    def _picture(self) -> None:
        self.owed += self.rate_bps / 30 / 8
        while self.owed >= SIZE:
            self.owed -= SIZE
            self.sent(self.sequence & 0xFFFF, self.now_ns, SIZE)
            self.path.send(self.sequence, self.now_ns)
            self.sequence += 1
        self.now_ns += S // 30
