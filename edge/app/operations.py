"""The operations of docs/contracts/mqtt.md that this box knows, as functions of their arguments."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from edge.app.arguments import Arguments
from edge.app.picture_arguments import bitrate_of, log_level_of, mask_of
from edge.app.report import Report
from edge.app.sink_arguments import sink_of
from edge.app.snapshots import Snapshots, media_of
from edge.app.wishes import Wishes
from edge.model.command import Lane, Op
from edge.model.errors import Rejected
from edge.model.inputs import Input
from edge.model.picture import Mask, Size
from edge.model.sink import SinkKind
from edge.runtime.command_bus import CommandBus
from edge.runtime.ipc import IpcClient

_NAME = r"[a-z0-9][a-z0-9-]{0,39}"
_SNAPSHOT_ID = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"


class Operations:
    """Every operation names the end state, so that twice equals once.

    `picture_size` is that of the first input's picture now, None without one; `report` the commissioning report.
    """

    def __init__(
        self,
        *,
        wishes: Wishes,
        snapshots: Snapshots,
        media: Mapping[Input, IpcClient],
        picture_size: Callable[[], Size | None],
        report: Callable[[], Report],
    ) -> None:
        self._picture_size = picture_size
        self._report = report
        self._wishes = wishes
        self._snapshots = snapshots
        self._media = media

    def register(self, bus: CommandBus) -> None:
        bus.register(Op.STREAM_START, Lane.STREAM, self._stream_start)
        bus.register(Op.STREAM_STOP, Lane.STREAM, self._stream_stop)
        bus.register(Op.SINK_SET, Lane.CONFIG, self._sink_set)
        bus.register(Op.SINK_REMOVE, Lane.CONFIG, self._sink_remove)
        bus.register(Op.ENCODER_SET, Lane.CONFIG, self._encoder_set)
        bus.register(Op.PRESET_SET, Lane.CONFIG, self._preset_set, grave=self._preset_uncovers)
        bus.register(Op.MASK_SET, Lane.CONFIG, self._mask_set, grave=self._mask_uncovers)
        bus.register(Op.LOG_LEVEL, Lane.CONFIG, self._log_level)
        bus.register(Op.SOURCE_SET, Lane.CONFIG, self._source_set)
        bus.register(Op.TEST_PATTERN, Lane.CONFIG, self._test_pattern)
        bus.register(Op.SNAPSHOT_TAKE, Lane.RECORD, self._snapshot_take)
        bus.register(Op.REPORT_GET, Lane.SYSTEM, self._report_get)
        bus.register(Op.SIM_FAULT, Lane.SYSTEM, self._sim_fault)

    async def _stream_start(self, args: Mapping[str, Any]) -> Mapping[str, Any]:
        return self._set_running(args, running=True)

    async def _stream_stop(self, args: Mapping[str, Any]) -> Mapping[str, Any]:
        return self._set_running(args, running=False)

    def _set_running(self, args: Mapping[str, Any], *, running: bool) -> Mapping[str, Any]:
        given = Arguments(args)
        sink = given.text("sink", pattern=_NAME)
        given.done()
        self._wishes.set_running(sink, running)
        return {"sink": sink, "running": running}

    async def _sink_set(self, args: Mapping[str, Any]) -> Mapping[str, Any]:
        name = Arguments(args).text("sink", pattern=_NAME)
        before = self._wishes.sink(name)
        rest = {key: value for key, value in args.items() if key != "sink"}
        spec = sink_of(rest, name, running=before.running if before else True)
        self._wishes.set_sink(spec)
        kept = self._wishes.sink(name) or spec  # with the peers that a configured listener keeps
        return {"sink": name, "running": spec.running, "encrypted": spec.kind is SinkKind.WHIP or kept.secured}

    async def _sink_remove(self, args: Mapping[str, Any]) -> Mapping[str, Any]:
        given = Arguments(args)
        sink = given.text("sink", pattern=_NAME)
        given.done()
        if self._wishes.sink(sink) is not None:  # already gone is the wished end state
            self._wishes.remove_sink(sink)
        return {"sink": sink}

    async def _encoder_set(self, args: Mapping[str, Any]) -> Mapping[str, Any]:
        rung = Arguments(args).text("rung", pattern=_NAME, default=Input.MAIN)
        rest = {key: value for key, value in args.items() if key != "rung"}
        bitrate = bitrate_of(rest, self._wishes.limits(rung))
        self._wishes.set_bitrate(rung, bitrate)
        return {"rung": rung, "bitrate": bitrate}

    async def _preset_set(self, args: Mapping[str, Any]) -> Mapping[str, Any]:
        name = _modality(args)
        self._wishes.set_preset(name)
        limits = self._wishes.picture.limits
        return {"modality": name, "bitrate_floor": limits.floor_bps, "bitrate_ceiling": limits.ceiling_bps}

    def _preset_uncovers(self, args: Mapping[str, Any]) -> bool:
        try:
            return self._wishes.preset_uncovers(_modality(args), now=self._picture_size())
        except Rejected:
            return False

    async def _mask_set(self, args: Mapping[str, Any]) -> Mapping[str, Any]:
        mask = self._mask(args)
        self._wishes.set_mask(mask)
        sheets = mask.sheets if mask else ()
        rects = [[r.x, r.y, r.width, r.height] for sheet in sheets for r in sheet.rects]
        return {"rects": rects, "of": list(sheets[0].of) if sheets else None}

    def _mask_uncovers(self, args: Mapping[str, Any]) -> bool:
        try:
            return self._wishes.mask_uncovers(self._mask(args), now=self._picture_size())
        except Rejected:
            return False

    def _mask(self, args: Mapping[str, Any]) -> Mask | None:
        return mask_of(args, now=self._picture_size())

    async def _log_level(self, args: Mapping[str, Any]) -> Mapping[str, Any]:
        given = Arguments(args)
        level = log_level_of(given)
        given.done()
        self._wishes.set_log_level(level)
        return {"level": level}

    async def _source_set(self, args: Mapping[str, Any]) -> Mapping[str, Any]:
        given = Arguments(args)
        source = given.text("source", pattern=_NAME)
        given.done()
        self._wishes.set_source(source)
        return {"source": source}

    async def _test_pattern(self, args: Mapping[str, Any]) -> Mapping[str, Any]:
        given = Arguments(args)
        on = given.flag("on")
        given.done()
        self._wishes.set_test_pattern(on)
        return {"on": on}

    async def _snapshot_take(self, args: Mapping[str, Any]) -> Mapping[str, Any]:
        given = Arguments(args)
        name = given.text("id", pattern=_SNAPSHOT_ID)
        source = given.text("input", pattern=_NAME, default=Input.MAIN)
        given.done()
        return await self._snapshots.take(name, source)

    async def _report_get(self, args: Mapping[str, Any]) -> Mapping[str, Any]:
        Arguments(args).done()
        return self._report().wire()

    async def _sim_fault(self, args: Mapping[str, Any]) -> Mapping[str, Any]:
        media = media_of(self._media, Arguments(args).text("input", pattern=_NAME, default=Input.MAIN))
        fault = {name: value for name, value in args.items() if name != "input"}
        await media.request("fault", fault)
        return {}


def _modality(args: Mapping[str, Any]) -> str:
    given = Arguments(args)
    name = given.text("modality", pattern=_NAME)
    given.done()
    return name
