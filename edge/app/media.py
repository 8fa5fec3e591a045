"""The process `edge-media`: capture, encode, SRT of one input; it alone opens that input's source.

A second input is a second such process, not a second loop in this one: a driver that hangs or a crash
must never touch the other's picture, and one busy Python thread costs every other one here 20 ms.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Mapping
from functools import partial
from typing import Any

from board.sim.encoder_trouble import EncoderTrouble
from edge.app.board_profile import board_of
from edge.app.boards import source_named
from edge.app.branches import Branch, Branches
from edge.app.encoders import candidates
from edge.app.media_status import MediaStatus
from edge.app.outputs import Outputs
from edge.app.paths import Places, media_process
from edge.app.plan_wire import from_wire
from edge.app.process import claim_urgency, run_process
from edge.config.model import Config, LivenessConfig
from edge.media.budget import Budget
from edge.media.capture import CaptureLoop, SlateLoop
from edge.media.crop import compact
from edge.media.latency import LatencyBook
from edge.media.mixer import Feed, Mixer
from edge.media.painter import PillowPainter
from edge.media.signal_book import SignalBook
from edge.media.slate import FrozenBanner, SlatePainter, title_of
from edge.media.switched import SwitchedSource
from edge.model.errors import Invalid, SignalLost
from edge.model.inputs import Input
from edge.ports import Clock, Faultable
from edge.runtime.clock import SystemClock
from edge.runtime.component import Component, Context, Threaded
from edge.runtime.ipc import IpcServer, Reply
from edge.runtime.log import OutageLog, set_level
from edge.runtime.supervisor import Supervisor
from edge.sinks.bus import BusServer
from edge.sinks.still import jpeg_of

_SWITCH_S = 0.0005  # measured: a busy Python thread in this process costs the picture 20 ms without it
_STATUS_S = 0.5
_STALL_S = 30.0


class MediaProcess:
    """Wires the media parts of one input."""

    def __init__(self, *, config: Config, input: Input, places: Places, supervisor: Supervisor) -> None:
        self._input = input
        self._places = places
        clock = SystemClock()
        latency = LatencyBook(clock=clock)
        self._trouble = EncoderTrouble(clock=clock)
        budget = Budget(cores=os.cpu_count() or 1, inputs=len(config.inputs))
        self._branches = Branches(clock=clock, latency=latency, budget=budget, run_dir=places.run)
        board = board_of(config).profile
        for name, own in config.rungs.items():
            if name.input is input:
                line = candidates(board.encoders, own, codec=config.codec_of(name), trouble=self._trouble)
                self._branches.add(name, own, line)
        self._book = SignalBook(clock=clock)
        feeds = tuple(Feed(branch.rung.put) for branch in self._branches.all.values())
        self._mixer = _mixer(config.liveness, clock=clock, book=self._book, feeds=feeds)
        source = config.inputs[input].source
        self._source = SwitchedSource(
            make=partial(source_named, config=source, clock=clock, facts=board.capture), chosen=source.kind
        )
        self._capture = CaptureLoop(
            source=self._source,
            mixer=self._mixer,
            book=self._book,
            latency=latency,
            clock=clock,
            outage=OutageLog(logging.getLogger(__name__), f"source {self._source.name}"),
        )
        self._outputs = Outputs(outlets=self._branches.outlets, supervisor=supervisor, on_feedback=self._branches.hear)
        self._status = MediaStatus(
            source=self._source,
            book=self._book,
            mixer=self._mixer,
            branches=self._branches,
            outputs=self._outputs,
            latency=latency,
            supervisor=supervisor,
        )
        self._server = IpcServer(
            name="media-ipc",
            path=places.media_ipc(input),
            answers={"plan": self._answer_plan, "still": self._answer_still, "fault": self._answer_fault},
        )
        self._applying = asyncio.Lock()
        self._one_still = asyncio.Lock()  # each holds a buffer of the source

    def components(self) -> tuple[Component, ...]:
        return (
            Threaded("capture", self._capture.work, critical=True, stall_s=_STALL_S),
            Threaded("slate", SlateLoop(mixer=self._mixer).work, critical=True, stall_s=_STALL_S),
            *(part for branch in self._branches.all.values() for part in self._parts(branch)),
            self._server,
            _Ticker(push=self._tell),
        )

    def close(self) -> None:
        self._branches.close()

    def _parts(self, branch: Branch) -> tuple[Component, ...]:
        bus = BusServer(path=self._places.units(branch.name), outlet=branch.distributor, on_feedback=branch.hear)
        return (
            Threaded(f"rung-{branch.name}", branch.rung.work, critical=True, stall_s=_STALL_S),
            Threaded(f"units-{branch.name}", bus.work, critical=True),
            Threaded(f"rate-{branch.name}", branch.rates.work, critical=True, stall_s=_STALL_S),
        )

    def _tell(self) -> None:
        self._server.push("status", self._status.document())

    async def _answer_plan(self, args: Mapping[str, Any]) -> Reply:
        plan = from_wire(args)
        set_level(plan.log_level)
        self._mixer.frame_as(plan.picture)  # first: nothing may be sent before it is masked
        if plan.source:
            self._source.choose(plan.source)
        self._source.prefer(plan.picture.modes)
        async with self._applying:
            await self._outputs.apply(plan.sinks, plan.rungs)
        self._branches.aim(plan.rungs)
        self._tell()
        return Reply()

    async def _answer_still(self, args: Mapping[str, Any]) -> Reply:
        async with self._one_still:
            return await self._still()

    async def _still(self) -> Reply:
        frame = self._mixer.take_latest()
        if frame is None:
            state = self._mixer.state()
            reason = state.reason or title_of(self._book.signal.state).lower()
            raise SignalLost(f"no picture: {reason}", code="no_live_picture")
        try:
            frame = compact(frame)  # a cropped picture has gaps between its rows
            jpeg = await asyncio.to_thread(jpeg_of, frame)
        finally:
            frame.lease.release()
        video = frame.format
        body = {"utc_ns": frame.utc_ns, "width": video.width, "height": video.height, "live": frame.live}
        return Reply(body, jpeg)

    async def _answer_fault(self, args: Mapping[str, Any]) -> Reply:
        kind = str(args.get("fault", ""))
        faulty: Faultable = self._trouble if self._trouble.knows(kind) else self._source
        seconds = args.get("seconds")
        if seconds is not None and (isinstance(seconds, bool) or not isinstance(seconds, int | float)):
            raise Invalid(f"seconds: expected a number, got {seconds!r}")
        faulty.fault(kind, seconds)
        return Reply()


class _Ticker:
    """Component: pushes the status twice a second."""

    name = "media-status"
    critical = True
    stall_s = 10.0

    def __init__(self, *, push: Any) -> None:
        self._push = push

    async def run(self, ctx: Context) -> None:
        ctx.ready()
        while not ctx.stopping:
            self._push()
            ctx.progress()
            await asyncio.sleep(_STATUS_S)


def _mixer(config: LivenessConfig, *, clock: Clock, book: SignalBook, feeds: tuple[Feed, ...]) -> Mixer:
    painter = PillowPainter()
    return Mixer(
        clock=clock,
        book=book,
        slate=SlatePainter(painter=painter),
        banner=FrozenBanner(painter=painter),
        slate_after_ns=config.slate_after_ms * 1_000_000,
        rungs=feeds,
    )


def main(config: Config, input: Input = Input.MAIN) -> int:
    """Run until told to stop. Raises Invalid when the box does not have that input."""
    if input not in config.inputs:
        raise Invalid(f"there is no input {str(input)!r}: {input}.enabled is false")
    sys.setswitchinterval(_SWITCH_S)
    claim_urgency()
    places = Places.of(config.paths)

    async def body(supervisor: Supervisor) -> None:
        media = MediaProcess(config=config, input=input, places=places, supervisor=supervisor)
        try:
            await supervisor.run(*media.components())
        finally:
            media.close()

    return run_process(f"edge-{media_process(input)}", config.log_level, body)
