"""Makes the running WHIP outputs equal to what is wanted."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from edge.model.errors import EdgeError, NotFound, NotSupported
from edge.model.feedback import Demotion
from edge.model.frame import AccessUnit
from edge.model.ice import IceServer
from edge.model.sink import SinkKind, SinkSpec
from edge.model.status import SinkState
from edge.ports import Clock
from edge.rtc.connections import Connections
from edge.rtc.payload import PayloadCache
from edge.rtc.viewer_sink import FeedbackChannel, ViewerSink
from edge.rtc.viewing import Viewing, lesser_of
from edge.rtc.whip_http import WhipHttp
from edge.rtc.whip_output import WhipOutput, entry_of
from edge.rtc.whip_peer import OfferingPeer
from edge.rtc.whip_session import WhipSession
from edge.runtime.component import Context


class WhipOutputs:
    """Component. A changed spec is a new session; the others go on undisturbed. Event loop only.

    `feedback` by rung says which rungs there are, `unplayable` which there are beside them that WebRTC does not take.
    """

    name = "whip"
    critical = False
    stall_s = None

    def __init__(
        self,
        *,
        feedback: Mapping[str, FeedbackChannel],
        payloads: PayloadCache,
        connections: Connections,
        http: WhipHttp,
        clock: Clock,
        unplayable: Collection[str] = (),
    ) -> None:
        self._feedback = feedback
        self._payloads = payloads
        self._connections = connections
        self._http = http
        self._clock = clock
        self._unplayable = unplayable
        self._specs: Mapping[str, SinkSpec] = {}
        self._outputs: dict[str, WhipOutput] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._changed = asyncio.Event()

    async def run(self, ctx: Context) -> None:
        ctx.ready()
        self._changed.set()
        try:
            await ctx.until_stopped(self._keep())
        finally:
            self._outputs.clear()
            self._tasks.clear()

    def apply(self, wanted: Sequence[SinkSpec]) -> None:
        """All that is wanted, whole."""
        self._specs = {spec.name: spec for spec in wanted if spec.kind is SinkKind.WHIP}
        self._changed.set()

    def deliver(self, unit: AccessUnit) -> None:
        for output in self._outputs.values():
            output.deliver(unit)

    def watched(self, rung: str) -> bool:
        return any(rung in output.rungs for output in self._outputs.values())

    def resync(self, rung: str) -> None:
        for output in self._outputs.values():
            output.resync(rung)

    def demote(self, rung: str, demotion: Demotion) -> None:
        """Give an output of that rung less than it, or all of it again; no error when it is gone."""
        output = self._outputs.get(demotion.sink)
        if output is not None and output.spec.rung == rung:
            output.demote(demotion.demoted)

    def reports(self) -> list[Mapping[str, Any]]:
        """For the status document's `sinks`."""
        return [self._report(spec) for spec in self._specs.values()]

    async def _keep(self) -> None:
        async with asyncio.TaskGroup() as group:
            while True:
                await self._changed.wait()
                self._changed.clear()
                wanted = {spec.name: spec for spec in self._specs.values() if self._runs(spec)}
                await self._end(*(name for name, one in self._outputs.items() if wanted.get(name) != one.spec))
                for name, spec in wanted.items():
                    if name not in self._tasks:
                        output = self._outputs[name] = self._make(spec)
                        self._tasks[name] = group.create_task(output.run(), name=f"whip-{name}")

    async def _end(self, *names: str) -> None:
        """All at once, since each may have to wait for its ingest."""
        ending = [self._tasks.pop(name) for name in names]
        for name in names:
            self._outputs.pop(name, None)
        for task in ending:
            task.cancel()
        for task in ending:
            with contextlib.suppress(asyncio.CancelledError):
                await task

    def _make(self, spec: SinkSpec) -> WhipOutput:
        feedback, rung = self._feedback, spec.rung

        def make_sink() -> ViewerSink:
            return ViewerSink(name=spec.name, feedback=feedback[rung], clock=self._clock, role=spec.role)

        def make_viewing(sink: ViewerSink) -> Viewing:
            lesser = lesser_of(rung, feedback)
            return Viewing(home=rung, lesser=lesser, sink=sink, feedback=feedback, clock=self._clock)

        def make_session(sink: ViewerSink, named: Sequence[IceServer]) -> WhipSession:
            peer = OfferingPeer(sink=sink, payloads=self._payloads, connections=self._connections, named=named)
            return WhipSession(spec=spec, http=self._http, peer=peer)

        return WhipOutput(spec=spec, make_sink=make_sink, make_viewing=make_viewing, make_session=make_session)

    def _runs(self, spec: SinkSpec) -> bool:
        return spec.running and self._refusal(spec) is None

    def _refusal(self, spec: SinkSpec) -> EdgeError | None:
        if spec.rung in self._unplayable:
            return NotSupported(f"the rung {spec.rung!r} is H.265, WHIP sends H.264", code="codec_not_supported")
        if spec.rung not in self._feedback:
            there = ", ".join(self._feedback)
            return NotFound(f"no rung {spec.rung!r}; there is {there}", code="unknown_rung")
        return None

    def _report(self, spec: SinkSpec) -> Mapping[str, Any]:
        output = self._outputs.get(spec.name)
        if output is not None and output.spec == spec:
            return output.report()
        if not spec.running:
            return entry_of(spec, state=SinkState.STOPPED)
        refusal = self._refusal(spec)
        return entry_of(spec, state=SinkState.FAILED if refusal else SinkState.CONNECTING, error=refusal)
