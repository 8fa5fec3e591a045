"""One viewer as a consumer of access units: its track, and its feedback under its own name."""

from __future__ import annotations

from typing import Protocol

from edge.model.feedback import LinkReport, Role
from edge.model.frame import AccessUnit
from edge.ports import Clock
from edge.rtc.track import UnitTrack


class FeedbackChannel(Protocol):
    """Where a viewer's wishes go: the media process."""

    def request_keyframe(self, sink: str, reason: str) -> None: ...
    def report_link(self, report: LinkReport) -> None: ...


class ViewerSink:
    """`name` is what the media process budgets keyframes by. Event loop only."""

    def __init__(self, *, name: str, feedback: FeedbackChannel, clock: Clock, role: Role = Role.GUIDE) -> None:
        self.name = name
        self.role = role
        self._reports_to = self._asks = feedback
        self.clock = clock
        self.link: LinkReport | None = None
        self.track = UnitTrack(clock=clock, on_keyframe_wanted=self.want_keyframe)
        self.keyframe_requests = 0

    def write(self, unit: AccessUnit) -> None:
        self.track.put(unit)

    def want_keyframe(self, reason: str) -> None:
        self.keyframe_requests += 1
        self._asks.request_keyframe(self.name, reason)

    def report_link(self, report: LinkReport) -> None:
        self.link = report
        self._reports_to.report_link(report)
        if self._asks is not self._reports_to:
            self._asks.report_link(report)

    def ask_of(self, feedback: FeedbackChannel) -> None:
        """From now on keyframes are of another rung; reports go there too, beside where they went."""
        self._asks = feedback
