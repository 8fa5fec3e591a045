"""What became of each packet, from transport feedback: how many arrived, how fast, how long they were on their way."""

from __future__ import annotations

from dataclasses import dataclass, field

from edge.rtc.transport_feedback import REFERENCE_MASK, REFERENCE_NS, TransportFeedback
from edge.rtc.windows import WindowMinimum, WindowSum

_RATE_NS = 500_000_000
_LOSS_NS = 1_000_000_000
_BASE_NS = 30_000_000_000  # a receiver's clock that is 100 ppm off makes a queue of 3 ms in that time
_RTT_NS = 2_000_000_000
_OVERDUE_NS = 250_000_000  # Chromium's longest time between two messages
_ANSWERED_NS = 5_000_000_000
_INSANE_NS = 10_000_000_000
_MOST_PACKETS = 16_384  # half of the numbers there are: 8 s at 20 Mb/s
_MASK_16 = 0xFFFF


@dataclass(frozen=True, slots=True)
class _Packet:
    sent_ns: int
    size: int


@dataclass(slots=True)
class _Arrivals:
    """By one run of the receiver's clock. `fastest_ns` is the least time on the way since it was last asked for."""

    reference: int
    newest_ns: int | None = None
    fastest_ns: int | None = None
    queue_ns: int = 0
    base: WindowMinimum = field(default_factory=lambda: WindowMinimum(_BASE_NS))
    delivered: WindowSum = field(default_factory=lambda: WindowSum(_RATE_NS))

    def note(self, packet: _Packet, arrived_ns: int, now_ns: int) -> None:
        on_its_way_ns = arrived_ns - packet.sent_ns
        self.base.add(now_ns, on_its_way_ns)
        self.fastest_ns = on_its_way_ns if self.fastest_ns is None else min(self.fastest_ns, on_its_way_ns)
        self.delivered.add(arrived_ns, packet.size)
        self.newest_ns = arrived_ns if self.newest_ns is None else max(self.newest_ns, arrived_ns)

    def latest_queue_ns(self, now_ns: int) -> int:
        least_ns = self.base.least(now_ns)
        if self.fastest_ns is not None and least_ns is not None:
            self.queue_ns, self.fastest_ns = max(0, self.fastest_ns - least_ns), None
        return self.queue_ns


class PacketTrail:
    """`sent_ns` and `now_ns` are our clock; arrivals are by the receiver's, whose offset is unknown and may drift."""

    def __init__(self) -> None:
        self._flying: dict[int, _Packet] = {}
        self._missing: dict[int, _Packet] = {}
        self._arrivals: _Arrivals | None = None
        self._lost, self._told = WindowSum(_LOSS_NS), WindowSum(_LOSS_NS)
        self._round_trip = WindowMinimum(_RTT_NS)
        self.heard_ns: int | None = None

    def sent(self, sequence: int, sent_ns: int, size: int) -> None:
        """`sequence` is the transport-wide one, 16 bits; `size` in bytes."""
        self._flying.pop(sequence, None)
        self._missing.pop(sequence, None)
        self._flying[sequence] = _Packet(sent_ns, size)
        if len(self._flying) > _MOST_PACKETS:
            del self._flying[next(iter(self._flying))]

    def heard(self, feedback: TransportFeedback, now_ns: int) -> None:
        """Numbers of packets that were never sent, or told of before, mean nothing."""
        arrivals = self._on_one_clock(feedback.reference, now_ns)
        newest_sent_ns = None
        for sequence, offset_ns in feedback.arrivals:
            if (packet := self._arrived(sequence, now_ns)) is not None:
                arrivals.note(packet, arrivals.reference * REFERENCE_NS + offset_ns, now_ns)
                newest_sent_ns = packet.sent_ns
        for sequence in self._flying_of(feedback):
            self._missing[sequence] = self._flying.pop(sequence)
            self._lost.add(now_ns, 1)
            self._told.add(now_ns, 1)
        self._forget_old(now_ns)
        self.heard_ns = now_ns
        if newest_sent_ns is not None:
            self._round_trip.add(now_ns, now_ns - newest_sent_ns)

    def delivered_bps(self, now_ns: int) -> int:
        """By the receiver's clock; it sinks while feedback is overdue."""
        if self._arrivals is None or self._arrivals.newest_ns is None:
            return 0
        return round(self._arrivals.delivered.per_second(self._arrivals.newest_ns + self._overdue_ns(now_ns)) * 8)

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
        """The least of the last 2 s; it includes what the receiver waits with its feedback."""
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

    def _arrived(self, sequence: int, now_ns: int) -> _Packet | None:
        if (packet := self._flying.pop(sequence, None)) is not None:
            self._told.add(now_ns, 1)
        elif (packet := self._missing.pop(sequence, None)) is not None:
            self._lost.add(now_ns, -1)
        return packet

    def _flying_of(self, feedback: TransportFeedback) -> list[int]:
        """Those on their way that the message is about; no dearer than what we sent, whatever count it claims."""
        base, count = feedback.base, feedback.count
        if count > len(self._flying):
            return [sequence for sequence in self._flying if (sequence - base) & _MASK_16 < count]
        named = ((base + index) & _MASK_16 for index in range(count))
        return [sequence for sequence in named if sequence in self._flying]

    def _forget_old(self, now_ns: int) -> None:
        """What never arrived, and what no message that came was about."""
        for packets, keep_ns in ((self._missing, _LOSS_NS), (self._flying, _ANSWERED_NS)):
            while packets and packets[oldest := next(iter(packets))].sent_ns < now_ns - keep_ns:
                del packets[oldest]

    def _overdue_ns(self, now_ns: int) -> int:
        if self.heard_ns is None or not self._flying:
            return 0
        return max(0, now_ns - self.heard_ns - _OVERDUE_NS)
