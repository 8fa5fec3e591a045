"""How the path to one viewer does, from what it answers; without I/O and without a clock of its own."""

from __future__ import annotations

from edge.model.feedback import LinkReport, Role
from edge.rtc.packet_trail import PacketTrail
from edge.rtc.transport_feedback import TransportFeedback
from edge.rtc.windows import WindowMinimum, WindowSum

REPORT_EVERY_NS = 100_000_000
_RATE_NS = 500_000_000
_BASE_NS = 30_000_000_000
_SILENT_NS = 6_000_000_000  # receivers report once a second, or every 5 s where they follow RFC 3550 to the letter


class PathMeter:
    """Transport feedback says most; a viewer without it is judged by its receiver reports and by REMB.

    Times are ns of one monotonic clock. `rtt_ms` is None until something tells it.
    """

    def __init__(self, *, sink: str, role: Role) -> None:
        self._sink = sink
        self._role = role
        self._trail = PacketTrail()
        self._sent = WindowSum(_RATE_NS)
        self._rtt_ms: float | None = None
        self._least_rtt_us = WindowMinimum(_BASE_NS)
        self._reported_loss = 0.0
        self._reported_ns: int | None = None
        self._limit_bps: int | None = None
        self._due_ns = 0
        self._queue_ms = 0.0

    def sent(self, sequence: int | None, sent_ns: int, size: int) -> None:
        """A packet of `size` bytes left with that transport-wide sequence number, None for one it had before."""
        if sequence is not None:
            self._trail.sent(sequence, sent_ns, size)
        self._sent.add(sent_ns, size)

    def heard_feedback(self, feedback: TransportFeedback, now_ns: int) -> None:
        self._trail.heard(feedback, now_ns)

    def heard_report(self, *, loss: float, rtt_ms: float | None, now_ns: int) -> None:
        """A receiver report: the part lost since the one before, and the round trip where it tells."""
        self._reported_loss, self._reported_ns = loss, now_ns
        if rtt_ms is not None:
            self._rtt_ms = rtt_ms
            self._least_rtt_us.add(now_ns, round(rtt_ms * 1000))

    def heard_limit(self, limit_bps: int) -> None:
        """REMB."""
        self._limit_bps = limit_bps

    def forget(self) -> None:
        """Nothing more will be sent: let go of what is known of packets."""
        self._trail = PacketTrail()

    def rtt_ms(self, now_ns: int) -> float | None:
        """As receiver reports tell it, else as feedback does."""
        return self._trail.rtt_ms(now_ns) if self._rtt_ms is None else self._rtt_ms

    def delivered_bps(self, now_ns: int) -> int | None:
        """What arrived of late; None without transport feedback."""
        return None if self._trail.heard_ns is None else self._trail.delivered_bps(now_ns)

    def round_trip_ns(self, now_ns: int) -> int:
        """As it is now, with what waits on the way; 0 while nothing is known."""
        return round(1e6 * ((self.rtt_ms(now_ns) or 0.0) + self._queue_ms))

    def due(self, now_ns: int) -> bool:
        """Whether it is time for a report."""
        return now_ns >= self._due_ns

    def report(self, *, now_ns: int, backlog_ms: float) -> LinkReport | None:
        """None while the viewer has told nothing, or cannot have told yet what became of what is sent after a pause."""
        if self._trail.heard_ns is None and self._reported_ns is None and self._limit_bps is None:
            return None
        if self._trail.awaits(now_ns):
            return None
        self._due_ns = now_ns + REPORT_EVERY_NS
        by = self._by_reports if self._trail.heard_ns is None else self._by_feedback
        report = by(now_ns, backlog_ms)
        self._queue_ms = report.queue_ms
        return report

    def _by_feedback(self, now_ns: int, backlog_ms: float) -> LinkReport:
        return LinkReport(
            sink=self._sink,
            role=self._role,
            sent_bps=self._sent_bps(now_ns),
            delivered_bps=self._trail.delivered_bps(now_ns),
            rtt_ms=self.rtt_ms(now_ns),
            queue_ms=round(self._trail.queue_ms(now_ns), 1),
            backlog_ms=round(backlog_ms, 1),
            loss=round(self._trail.loss(now_ns), 4),
        )

    def _by_reports(self, now_ns: int, backlog_ms: float) -> LinkReport:
        """What is lost is all that is known of what arrives; a queue shows in the round trip."""
        sent_bps = self._sent_bps(now_ns)
        silent = self._reported_ns is not None and now_ns - self._reported_ns > _SILENT_NS
        least_us = self._least_rtt_us.least(now_ns)
        queue_ms = 0.0 if self._rtt_ms is None or least_us is None else self._rtt_ms - least_us / 1000
        return LinkReport(
            sink=self._sink,
            role=self._role,
            sent_bps=sent_bps,
            delivered_bps=0 if silent else round(sent_bps * (1 - self._reported_loss)),
            rtt_ms=self._rtt_ms,
            queue_ms=round(max(0.0, queue_ms), 1),
            backlog_ms=round(backlog_ms, 1),
            loss=round(self._reported_loss, 4),
            limit_bps=self._limit_bps,
        )

    def _sent_bps(self, now_ns: int) -> int:
        return round(self._sent.per_second(now_ns) * 8)
