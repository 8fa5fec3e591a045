"""What became of each packet, from transport feedback: how many arrived, how fast, how long they were on their way."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from edge.rtc.transport_feedback import REFERENCE_MASK, REFERENCE_NS, TransportFeedback
from edge.rtc.windows import WindowMinimum, WindowSum

_RATE_NS = 500_000_000
_PAUSE_NS = 200_000_000
_LOSS_NS = 1_000_000_000
_BASE_NS = 30_000_000_000  # a receiver's clock that is 100 ppm off makes a queue of 3 ms in that time
_RTT_NS = 5_000_000_000
_OVERDUE_NS = 250_000_000  # Chromium's longest time between two messages
_ANSWERED_NS = 5_000_000_000
_INSANE_NS = 10_000_000_000
_MOST_PACKETS = 16_384  # half of the numbers there are: 8 s at 20 Mb/s
_MASK_16 = 0xFFFF
_Packet = tuple[int, int]  # when it was sent, and its size: one is made for every packet


@dataclass(slots=True)
class _Arrivals:
    """By one run of the receiver's clock. `fastest_ns` is the least time on the way since it was last asked for."""

    reference: int
    newest_ns: int | None = None
    fastest_ns: int | None = None
    queue_ns: int = 0
    base: WindowMinimum = field(default_factory=lambda: WindowMinimum(_BASE_NS))
    delivered: WindowSum = field(default_factory=lambda: WindowSum(_RATE_NS))

    def note(self, on_its_way_ns: int, now_ns: int) -> None:
        self.base.add(now_ns, on_its_way_ns)
        self.fastest_ns = on_its_way_ns if self.fastest_ns is None else min(self.fastest_ns, on_its_way_ns)

    def latest_queue_ns(self, now_ns: int) -> int:
        least_ns = self.base.least(now_ns)
        if self.fastest_ns is not None and least_ns is not None:
            self.queue_ns, self.fastest_ns = max(0, self.fastest_ns - least_ns), None
        return self.queue_ns


class PacketTrail:
    """`sent_ns` and `now_ns` are our clock; arrivals are by the receiver's, whose offset is unknown and may drift."""

    def __init__(self) -> None:
        self._by_age: deque[tuple[int, int]] = deque()
        self._flying: dict[int, _Packet] = {}
        self._missing: dict[int, _Packet] = {}
        self._arrivals: _Arrivals | None = None
        self._lost, self._told = WindowSum(_LOSS_NS), WindowSum(_LOSS_NS)
        self._round_trip = WindowMinimum(_RTT_NS)
        self._last_sent_ns = self._resumed_ns = -_PAUSE_NS
        self.heard_ns: int | None = None

    def sent(self, sequence: int, sent_ns: int, size: int) -> None:
        """`sequence` is the transport-wide one, 16 bits; `size` in bytes."""
        if sent_ns - self._last_sent_ns > _PAUSE_NS:
            self._resumed_ns = sent_ns
        self._last_sent_ns = sent_ns
        self._flying[sequence] = (sent_ns, size)
        self._by_age.append((sent_ns, sequence))
        if len(self._by_age) > _MOST_PACKETS:
            self._forget_oldest()

    def heard(self, feedback: TransportFeedback, now_ns: int) -> None:
        """Numbers of packets that were never sent, or told of before, mean nothing."""
        arrivals = self._on_one_clock(feedback.reference, now_ns)
        base_ns = arrivals.reference * REFERENCE_NS
        found = [
            (sent_ns, base_ns + offset_ns, size)
            for sequence, offset_ns in feedback.arrivals
            for sent_ns, size in self._arrived(sequence, now_ns)
        ]
        for _, arrived_ns, size in found:
            arrivals.delivered.add(arrived_ns, size)
        if found:
            newest_ns = max(arrived_ns for _, arrived_ns, _ in found)
            arrivals.newest_ns = newest_ns if arrivals.newest_ns is None else max(arrivals.newest_ns, newest_ns)
            arrivals.note(min(arrived_ns - sent_ns for sent_ns, arrived_ns, _ in found), now_ns)
            self._round_trip.add(now_ns, now_ns - found[-1][0])
        for sequence in self._flying_of(feedback):
            self._missing[sequence] = self._flying.pop(sequence)
            self._lost.add(now_ns, 1)
            self._told.add(now_ns, 1)
        self._forget_old(now_ns)
        self.heard_ns = now_ns

    def delivered_bps(self, now_ns: int) -> int:
        """By the receiver's clock; it sinks while no feedback comes."""
        if self._arrivals is None or self._arrivals.newest_ns is None or self.heard_ns is None:
            return 0
        since_ns = max(0, now_ns - self.heard_ns - _OVERDUE_NS)
        return round(self._arrivals.delivered.per_second(self._arrivals.newest_ns + since_ns) * 8)

    def queue_ms(self, now_ns: int) -> float:
        """How much longer than the least of 30 s the fastest packet took since this was asked last.

        While feedback is overdue, that time counts: what was sent may still be waiting.
        """
        queue_ns = 0 if self._arrivals is None else self._arrivals.latest_queue_ns(now_ns)
        return max(queue_ns, self._overdue_ns(now_ns)) / 1e6

    def loss(self, now_ns: int) -> float:
        """Of the packets that the last second's feedback was about, the part that had not arrived."""
        told = self._told.total(now_ns)
        return min(1.0, max(0, self._lost.total(now_ns)) / told) if told > 0 else 0.0

    def rtt_ms(self, now_ns: int) -> float | None:
        """The least of the last 5 s; it includes what the receiver waits with its feedback."""
        least_ns = self._round_trip.least(now_ns)
        return None if least_ns is None else least_ns / 1e6

    def _on_one_clock(self, reference: int, now_ns: int) -> _Arrivals:
        """With the reference unwrapped. A clock that jumps begins anew: one message must not spoil all that follow."""
        arrivals = self._arrivals
        if arrivals is not None and self.heard_ns is not None:
            ahead = (reference - arrivals.reference + (1 << 23) & REFERENCE_MASK) - (1 << 23)
            if abs(ahead * REFERENCE_NS - (now_ns - self.heard_ns)) <= _INSANE_NS:
                arrivals.reference += ahead
                return arrivals
        self._arrivals = arrivals = _Arrivals(reference)
        return arrivals

    def _arrived(self, sequence: int, now_ns: int) -> tuple[_Packet, ...]:
        """That packet, unless it is not known."""
        if (packet := self._flying.pop(sequence, None)) is not None:
            self._told.add(now_ns, 1)
        elif (packet := self._missing.pop(sequence, None)) is not None:
            self._lost.add(now_ns, -1)
        return () if packet is None else (packet,)

    def _flying_of(self, feedback: TransportFeedback) -> list[int]:
        """Those on their way that the message is about; no dearer than what we sent, whatever count it claims."""
        base, count = feedback.base, feedback.count
        if count > len(self._flying):
            return [sequence for sequence in self._flying if (sequence - base) & _MASK_16 < count]
        named = ((base + index) & _MASK_16 for index in range(count))
        return [sequence for sequence in named if sequence in self._flying]

    def _forget_old(self, now_ns: int) -> None:
        """What never arrived, and what no message that came was about."""
        while self._by_age and self._by_age[0][0] < now_ns - _ANSWERED_NS:
            self._forget_oldest()

    def _forget_oldest(self) -> None:
        """Numbers come round only long after their last packet was forgotten."""
        _, sequence = self._by_age.popleft()
        self._flying.pop(sequence, None)
        self._missing.pop(sequence, None)

    def awaits(self, now_ns: int) -> bool:
        """Whether no feedback can be here yet about what has been sent since the last pause."""
        return self.heard_ns is not None and self.heard_ns < self._resumed_ns and not self._overdue_ns(now_ns)

    def _overdue_ns(self, now_ns: int) -> int:
        """A receiver that gets nothing tells nothing: after a pause it has a round trip to begin again."""
        if self.heard_ns is None or self._last_sent_ns <= self.heard_ns:
            return 0
        due_ns = max(self.heard_ns, self._resumed_ns + (self._round_trip.least(now_ns) or 0))
        return max(0, now_ns - due_ns - _OVERDUE_NS)
