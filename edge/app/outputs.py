"""Makes the running SRT outputs equal to the plan: attaches, replaces and detaches."""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from edge.media.distributor import Distributor
from edge.media.sink_runner import SinkReport
from edge.model.errors import EdgeError, NotFound
from edge.model.feedback import Feedback
from edge.model.sink import RungSpec, SinkKind, SinkSpec
from edge.model.status import SinkState
from edge.runtime.component import Threaded
from edge.runtime.supervisor import Supervisor
from edge.sinks.srt import SrtSink
from edge.sinks.srt_group import SrtGroupSink
from edge.sinks.srt_group_url import is_group
from edge.sinks.srt_listener import SrtListener
from edge.sinks.srt_sender import Outflow
from edge.sinks.srt_url import SrtMode, parse_srt_url

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class OutputReport:
    """One planned output as the status document shows it."""

    spec: SinkSpec
    state: SinkState
    epoch: int
    delivered: int
    dropped: int
    code: str
    last_error: str
    detail: Mapping[str, Any]


class Outputs:
    """Event loop only. `outlets` by rung. A changed spec is a new sink; the others go on undisturbed.

    `on_feedback` is told the rung and what a receiver of it answers, in that receiver's thread.
    """

    def __init__(
        self,
        *,
        outlets: Mapping[str, Distributor],
        supervisor: Supervisor,
        on_feedback: Callable[[str, Feedback], None] = lambda _rung, _feedback: None,
    ) -> None:
        self._outlets = outlets
        self._supervisor = supervisor
        self._on_feedback = on_feedback
        self._ceilings_bps: dict[str, int] = {}
        self._specs: dict[str, SinkSpec] = {}
        self._listeners: dict[str, SrtListener] = {}
        self._refused: dict[str, EdgeError] = {}

    async def apply(self, wanted: Sequence[SinkSpec], rungs: Sequence[RungSpec] = ()) -> None:
        """Bring the SRT outputs in line; WHEP is the rtc process's own. `rungs` say how much may be sent."""
        self._ceilings_bps = {rung.name: rung.max_bitrate_bps for rung in rungs}
        plan = {spec.name: spec for spec in wanted if spec.kind is SinkKind.SRT}
        for name in [name for name, spec in self._specs.items() if plan.get(name) != spec]:
            await self._stop(name)
        for name, spec in plan.items():
            if name not in self._specs:
                self._start(spec)

    def reports(self) -> tuple[OutputReport, ...]:
        running = {report.name: report for outlet in self._outlets.values() for report in outlet.reports()}
        return tuple(self._report(spec, running) for spec in self._specs.values())

    def _start(self, spec: SinkSpec) -> None:
        self._specs[spec.name] = spec
        self._refused.pop(spec.name, None)
        if not spec.running:
            return
        try:
            self._open(spec)
        except EdgeError as error:  # one output that cannot be must not keep the others from being
            _LOG.error("output %s: %s", spec.name, error)
            self._refused[spec.name] = error

    def _open(self, spec: SinkSpec) -> None:
        outflow = self._outflow(spec.rung)
        if is_group(spec.url):
            outflow.outlet.attach(SrtGroupSink(spec=spec, on_feedback=outflow.on_feedback))
        elif parse_srt_url(spec.url).mode is SrtMode.LISTENER:
            further = {peer.rung: self._outflow(peer.rung) for peer in spec.peers if peer.rung}
            listener = self._listeners[spec.name] = SrtListener(spec=spec, outflow=outflow, further=further)
            self._supervisor.start(Threaded(_listener_name(spec.name), listener.work))
        else:
            sink = SrtSink(spec=spec, on_feedback=outflow.on_feedback, ceiling_bps=outflow.ceiling_bps)
            outflow.outlet.attach(sink)

    def _outflow(self, rung: str) -> Outflow:
        """Raises NotFound (`unknown_rung`)."""
        outlet = self._outlets.get(rung)
        if outlet is None:
            raise NotFound(f"no rung {rung!r}; there is {', '.join(self._outlets)}", code="unknown_rung")
        on_feedback = functools.partial(self._on_feedback, rung)
        return Outflow(outlet, on_feedback, functools.partial(self._ceiling_bps, rung))

    def _ceiling_bps(self, rung: str) -> int:
        """Of the rung and of the first one, whose pictures it may get where a second encode is too dear. Any thread."""
        ceilings_bps = self._ceilings_bps
        first_bps = next(iter(ceilings_bps.values()), 0)
        return max(first_bps, ceilings_bps.get(rung, 0))

    async def _stop(self, name: str) -> None:
        spec = self._specs.pop(name)
        self._refused.pop(name, None)
        if self._listeners.pop(name, None) is not None:
            await self._supervisor.end(_listener_name(name))
        elif spec.rung in self._outlets:
            await asyncio.to_thread(self._outlets[spec.rung].detach, name)

    def _report(self, spec: SinkSpec, running: Mapping[str, SinkReport]) -> OutputReport:
        if not spec.running:
            return OutputReport(spec, SinkState.STOPPED, 0, 0, 0, "", "", {})
        refused = self._refused.get(spec.name)
        if refused is not None:
            return OutputReport(spec, SinkState.FAILED, 0, 0, 0, refused.code, str(refused), {})
        listener = self._listeners.get(spec.name)
        if listener is not None:
            return self._listener_report(spec, listener, running)
        one = running.get(spec.name)
        if one is None:
            return OutputReport(spec, SinkState.CONNECTING, 0, 0, 0, "", "", {})
        return OutputReport(
            spec, one.state, one.epoch, one.delivered, one.dropped, one.code, one.last_error, one.detail
        )

    def _listener_report(
        self, spec: SinkSpec, listener: SrtListener, running: Mapping[str, SinkReport]
    ) -> OutputReport:
        receivers = [report for name, report in running.items() if name.startswith(f"{spec.name}/")]
        trouble = next(
            (s for s in self._supervisor.statuses() if s.name == _listener_name(spec.name) and s.last_error), None
        )
        waiting = trouble is not None and trouble.state != "running"
        state = SinkState.LIVE if receivers else SinkState.FAILED if waiting else SinkState.IDLE
        detail = {
            **listener.detail(),
            "receivers": [
                {"name": r.name, "state": r.state, "delivered": r.delivered, "dropped": r.dropped, **r.detail}
                for r in receivers
            ],
        }
        return OutputReport(
            spec,
            state,
            max((r.epoch for r in receivers), default=0),
            sum(r.delivered for r in receivers),
            sum(r.dropped for r in receivers),
            "listener_failed" if waiting else "",
            trouble.last_error if waiting and trouble else "",
            detail,
        )


def _listener_name(sink: str) -> str:
    return f"srt-listener-{sink}"
