"""How the path to one SRT receiver does, read off libsrt's numbers."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

from edge.model.feedback import LinkReport, Role
from edge.sinks.srt_stats import SrtStats

REPORT_S = 0.1
_SOONEST_S = 0.9 * REPORT_S
_BEST_OF_S = 30.0
_ACK_MS = 10.0  # SRT acknowledges every 10 ms (COMM_SYN_INTERVAL)
_UNMEASURED_MS = 100.0  # what SRT says of the round trip before it has measured one (INITIAL_RTT)
_BITS = 8


class SrtLink:
    """Makes LinkReports of one connection's statistics; the time comes with them. One thread.

    SRT's round trip is smoothed: each acknowledgement, one in 10 ms at most, counts an eighth, so that a queue shows
    after about 80 ms. `delivered_bps` counts each packet once, when it is acknowledged: what was sent for the first
    time less the growth of what is in flight, less what was dropped. A repair that arrives so counts in place of the
    packet that did not. What was dropped before it was ever sent is taken off as well: too low while the sender drops.
    It is 0 when no acknowledgement came at all: a receiver that is gone takes nothing, whatever leaves the buffer.
    """

    def __init__(self, *, sink: str, role: Role = Role.OBSERVER) -> None:
        self._sink = sink
        self._role = role
        self._before: tuple[SrtStats, float] | None = None
        self._guess_ms = _UNMEASURED_MS
        self._measured = False
        self._lowest: deque[tuple[float, float]] = deque()
        self._repairing = False

    def report(self, stats: SrtStats, now_s: float) -> LinkReport | None:
        """None for the first look at a connection, and for one much less than 100 ms after the report before."""
        if self._before is None:
            self._before = stats, now_s
            if stats.acknowledgements == 0:
                self._guess_ms = stats.rtt_ms
            return None
        before, before_s = self._before
        if now_s - before_s < _SOONEST_S:
            return None
        self._before = stats, now_s
        rtt_ms = self._measured_rtt_ms(stats)
        return LinkReport(
            sink=self._sink,
            role=self._role,
            sent_bps=round((stats.sent_bytes - before.sent_bytes) * _BITS / (now_s - before_s)),
            delivered_bps=round(_arrived_bytes(before, stats) * _BITS / (now_s - before_s)),
            rtt_ms=rtt_ms,
            queue_ms=0.0 if rtt_ms is None else self._queue_ms(rtt_ms, now_s),
            backlog_ms=self._backlog_ms(before, stats),
            loss=_loss(before, stats),
        )

    @property
    def shortest_rtt_ms(self) -> float | None:
        """Of the last 30 s; None where SRT has measured none."""
        return self._lowest[0][1] if self._lowest else None

    def _measured_rtt_ms(self, stats: SrtStats) -> float | None:
        """None while SRT still says what it began with: 100 ms, or what an earlier connection to that host had."""
        self._measured = self._measured or (stats.acknowledgements > 0 and stats.rtt_ms != self._guess_ms)
        return stats.rtt_ms if self._measured else None

    def _queue_ms(self, rtt_ms: float, now_s: float) -> float:
        """The round trip beyond the shortest of the last 30 s; the deque's round trips rise."""
        while self._lowest and self._lowest[-1][1] >= rtt_ms:
            self._lowest.pop()
        self._lowest.append((now_s, rtt_ms))
        while self._lowest[0][0] < now_s - _BEST_OF_S:
            self._lowest.popleft()
        return round(rtt_ms - self._lowest[0][1], 3)

    def _backlog_ms(self, before: SrtStats, stats: SrtStats) -> float:
        """The send buffer's span beyond what waits for its acknowledgement as it must.

        That is a round trip, and another one while a loss is repaired: it holds back the acknowledgement of all
        that came after it.
        """
        lost = stats.lost_packets > before.lost_packets
        round_trips = 2 if lost or self._repairing else 1
        self._repairing = lost
        return max(0.0, round(stats.send_buffer_ms - round_trips * stats.rtt_ms - _ACK_MS, 3))


class SrtGroupLinks:
    """Reports of a group's connections that carry: of them, the one that does best. One thread."""

    def __init__(self, *, sink: str, role: Role = Role.OBSERVER) -> None:
        self._sink = sink
        self._role = role
        self._links: dict[int, SrtLink] = {}

    def report(self, carrying: Mapping[int, SrtStats], now_s: float) -> LinkReport | None:
        """`carrying`: the numbers of each connection by its socket. None while none has been looked at before."""
        for number in carrying:
            self._links.setdefault(number, SrtLink(sink=self._sink, role=self._role))
        self._links = {number: self._links[number] for number in carrying}
        reports = [self._links[number].report(stats, now_s) for number, stats in carrying.items()]
        known = [report for report in reports if report is not None]
        return min(known, key=lambda report: (report.queue_ms + report.backlog_ms, report.loss), default=None)


def _arrived_bytes(before: SrtStats, stats: SrtStats) -> float:
    if stats.acknowledgements == before.acknowledgements:
        return 0
    sent = stats.unique_packets - before.unique_packets
    size = (stats.unique_bytes - before.unique_bytes) / sent if sent else _mean_size(stats)
    still_out = stats.flight_packets - before.flight_packets
    return max(0, sent - still_out - (stats.dropped_packets - before.dropped_packets)) * size


def _mean_size(stats: SrtStats) -> float:
    return stats.unique_bytes / max(1, stats.unique_packets)


def _loss(before: SrtStats, stats: SrtStats) -> float:
    dropped = stats.dropped_packets - before.dropped_packets
    lost = stats.lost_packets - before.lost_packets + dropped
    return round(min(1.0, lost / max(1, stats.sent_packets - before.sent_packets + dropped)), 4)
