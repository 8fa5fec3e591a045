"""One direction of the emulated line, without input, output or clock: packets in, packets out when they are due."""

from __future__ import annotations

import heapq
import math
import random
from collections import deque
from dataclasses import dataclass

from tests.netlab.path import Path


@dataclass(slots=True)
class Counts:
    """What became of the packets. All that were offered are in one of the others or still on the way."""

    offered: int = 0
    delivered: int = 0
    delivered_bytes: int = 0
    lost: int = 0
    overflowed: int = 0
    outage: int = 0
    longest_queue_ms: float = 0.0


class Line:
    """Queue, then the bandwidth limit, then loss, then delay. Times are nanoseconds of any steady clock."""

    def __init__(self, path: Path, *, seed: int) -> None:
        self.counts = Counts()
        self._path = path
        self._random = random.Random(seed)  # noqa: S311 - repeatable, not secret
        self._queue: deque[tuple[int, bytes]] = deque()  # when it was offered, and the packet
        self._queued_bytes = 0
        self._sent_ns: int | None = None  # when the queue's first packet has left; None: the queue is empty
        self._flying: list[tuple[int, int, bytes]] = []  # a heap by arrival
        self._order = 0
        self._last_arrival_ns = 0
        self._in_burst = False
        self._wander_ms = 0.0
        self._wandered_ns = 0

    @property
    def path(self) -> Path:
        return self._path

    @property
    def next_ns(self) -> int | None:
        """When `due` has work next."""
        arrival_ns = self._flying[0][0] if self._flying else None
        if self._sent_ns is None or arrival_ns is None:
            return arrival_ns if self._sent_ns is None else self._sent_ns
        return min(self._sent_ns, arrival_ns)

    def change(self, path: Path, *, now_ns: int, cut: bool = False) -> None:
        """The packet that is being sent still takes its time at the old rate."""
        self._advance(now_ns)
        self._path = path
        if path.down or cut:
            self._lose_queue()
        if cut:
            self.counts.outage += len(self._flying)
            self._flying.clear()
            self._last_arrival_ns = 0

    def offer(self, packet: bytes, *, now_ns: int) -> None:
        """A packet comes to this end of the line."""
        self._advance(now_ns)
        self.counts.offered += 1
        if self._path.down:
            self.counts.outage += 1
        elif self._path.rate_bps == 0 and self._sent_ns is None:
            self._launch(packet, now_ns)
        elif self._queued_bytes + len(packet) > self._path.queue_bytes:
            self.counts.overflowed += 1
        else:
            self._queue.append((now_ns, packet))
            self._queued_bytes += len(packet)
            if self._sent_ns is None:
                self._sent_ns = now_ns + self._air_ns(packet)

    def due(self, now_ns: int) -> list[tuple[int, bytes]]:
        """What has arrived at the other end by now, in its order, each with the time when it did."""
        self._advance(now_ns)
        arrived = []
        while self._flying and self._flying[0][0] <= now_ns:
            arrival_ns, _, packet = heapq.heappop(self._flying)
            self.counts.delivered += 1
            self.counts.delivered_bytes += len(packet)
            arrived.append((arrival_ns, packet))
        return arrived

    def _advance(self, now_ns: int) -> None:
        """Send from the queue what has left it by now: exact, however late this is called."""
        while self._sent_ns is not None and self._sent_ns <= now_ns:
            sent_ns = self._sent_ns
            offered_ns, packet = self._queue.popleft()
            self._queued_bytes -= len(packet)
            self.counts.longest_queue_ms = max(self.counts.longest_queue_ms, (sent_ns - offered_ns) / 1e6)
            self._sent_ns = sent_ns + self._air_ns(self._queue[0][1]) if self._queue else None
            self._launch(packet, sent_ns)

    def _air_ns(self, packet: bytes) -> int:
        rate_bps = self._path.rate_bps
        return len(packet) * 8_000_000_000 // rate_bps if rate_bps else 0

    def _launch(self, packet: bytes, sent_ns: int) -> None:
        if self._is_lost():
            self.counts.lost += 1
            return
        path = self._path
        arrival_ns = sent_ns + int((path.delay_ms + self._jitter_ms(sent_ns)) * 1e6)
        if path.reorder and self._random.random() < path.reorder:
            arrival_ns += int(path.reorder_ms * 1e6)
        else:
            arrival_ns = self._last_arrival_ns = max(arrival_ns, self._last_arrival_ns)
        self._order += 1
        heapq.heappush(self._flying, (arrival_ns, self._order, packet))

    def _is_lost(self) -> bool:
        burst = self._path.burst
        if burst is not None:
            chance = burst.leave if self._in_burst else burst.enter
            self._in_burst ^= self._random.random() < chance
            if self._in_burst:
                return True
        return self._path.loss > 0 and self._random.random() < self._path.loss

    def _jitter_ms(self, now_ns: int) -> float:
        """An Ornstein-Uhlenbeck walk, so that neighbours are delayed alike; never earlier than no delay."""
        path = self._path
        if path.jitter_ms == 0:
            return 0.0
        keep = math.exp(-(now_ns - self._wandered_ns) / 1e6 / path.wander_ms)
        push = path.jitter_ms * math.sqrt(1 - keep * keep)
        self._wander_ms = self._wander_ms * keep + push * self._random.gauss(0, 1)
        self._wandered_ns = now_ns
        return max(self._wander_ms, -path.delay_ms)

    def _lose_queue(self) -> None:
        self.counts.outage += len(self._queue)
        self._queue.clear()
        self._queued_bytes = 0
        self._sent_ns = None
