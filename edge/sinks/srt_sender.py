"""The sending side of one SRT connection: access units in, reports of the link out."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from edge.model.feedback import Feedback, LinkReport, Role
from edge.model.frame import AccessUnit
from edge.ports import Outlet
from edge.sinks.mpegts import TsMuxer
from edge.sinks.srt_link import REPORT_S, SrtLink
from edge.sinks.srt_socket import SrtSocket

OnFeedback = Callable[[Feedback], None]
Ceiling = Callable[[], int]


def to_nobody(_feedback: Feedback) -> None:
    """Where feedback goes that nobody asked for."""


def no_ceiling() -> int:
    """Of a stream whose bit rate nobody knows."""
    return 0


@dataclass(frozen=True, slots=True)
class Outflow:
    """Where receivers of one rung are attached, who hears of their links, and the rung's highest bit rate."""

    outlet: Outlet
    on_feedback: OnFeedback = to_nobody
    ceiling_bps: Ceiling = no_ceiling


class SrtSender:
    """Muxes, sends, and tells `on_feedback` in the sending thread how the link does, every 100 ms. One thread.

    `ceiling_bps` is the highest bit rate of the stream, which may change; packets are paced by it.
    """

    def __init__(
        self, *, sink: str, role: Role, connection: SrtSocket, on_feedback: OnFeedback, ceiling_bps: Ceiling
    ) -> None:
        self.connection = connection
        self.last_report: LinkReport | None = None
        self._link = SrtLink(sink=sink, role=role)
        self._on_feedback = on_feedback
        self._ceiling_bps = ceiling_bps
        self._paced_bps = 0
        self._muxer = TsMuxer()
        self._next_look_s = 0.0

    @property
    def shortest_rtt_ms(self) -> float | None:
        """Of the last 30 s of sending; None until there is one. Any thread."""
        return self._link.shortest_rtt_ms

    def write(self, unit: AccessUnit) -> None:
        """Raises PeerGone, TimedOut, Fault."""
        now_s = time.monotonic()
        if now_s >= self._next_look_s:
            self._look(now_s)
        self.connection.send(self._muxer.mux(unit))

    def close(self) -> None:
        """Harmless when closed already."""
        self._muxer.close()
        self.connection.close()

    def _look(self, now_s: float) -> None:
        self._next_look_s = now_s + REPORT_S
        if self._paced_bps != (ceiling_bps := self._ceiling_bps()):
            self.connection.pace(ceiling_bps)
            self._paced_bps = ceiling_bps
        report = self._link.report(self.connection.stats(), now_s)
        if report is not None:
            self.last_report = report
            self._on_feedback(report)
