"""A simulated box: the real link, bus, journal and outbox, and in place of the media a plausible state."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import edge
from edge.app.sim_state import SimState
from edge.config.model import MqttConfig
from edge.link.acceptance import Keyring
from edge.link.link import Link
from edge.link.workers import Workers
from edge.model.command import Lane, Op
from edge.model.errors import Invalid
from edge.ports import Clock
from edge.runtime.clock import rfc3339
from edge.runtime.command_bus import CommandBus
from edge.runtime.component import Context
from edge.runtime.status_board import StatusBoard

_EVERY_S = 5.0
_TROUBLE_S = 20.0
_MAX_TROUBLE_S = 3600.0


@dataclass(frozen=True, slots=True)
class Shared:
    """What the boxes of one process have in common. `trouble_per_h`: how often a box loses its signal for 20 s."""

    mqtt: MqttConfig
    keyring: Keyring
    clock: Clock
    workers: Workers
    trouble_per_h: float


class SimBox:
    """Numbers move every 5 s. Operations: stream.start, stream.stop, sink.set, sink.remove, encoder.set, preset.set,
    snapshot.take, sim.fault (`no_signal` for `seconds`)."""

    def __init__(self, id: str, *, shared: Shared, state_dir: Path, streaming: bool) -> None:
        self.id = id
        self.commands = 0
        self._shared = shared
        self._state = SimState(id)
        self._state.switch("srt", live=streaming)
        self._board = StatusBoard()
        self._board.put("box", {"id": id, "name": id})
        self._board.put("board", {"name": "sim", "profile": "fleet-sim", "title": "Simulated box without media"})
        self._board.put("versions", {"scopecast": edge.__version__})
        self._show()
        bus = CommandBus()
        self._register(bus)
        self._link = Link(
            box_id=id,
            config=shared.mqtt,
            bus=bus,
            board=self._board,
            keyring=shared.keyring,
            state_dir=state_dir,
            clock=shared.clock,
            version=edge.__version__,
            workers=shared.workers,
        )

    @property
    def online(self) -> bool:
        return bool(self._section("state") == "online")

    @property
    def waiting(self) -> int:
        """Results and events that the controller has not acknowledged."""
        return int(self._section("outbox") or 0)

    @property
    def trouble(self) -> str:
        """The link's code for why it is not online; empty when it is, or was not yet."""
        issues = self._section("issues")
        return str(issues[0]["code"]) if issues else ""

    async def run(self, ctx: Context) -> None:
        """Until asked to stop. Raises as the link does."""
        living = asyncio.ensure_future(self._live())
        try:
            await self._link.run(ctx)
        finally:
            living.cancel()

    def _section(self, member: str) -> Any:
        return self._board.get("link", {}).get(member)

    def _register(self, bus: CommandBus) -> None:
        state = self._state
        bus.register(Op.STREAM_START, Lane.STREAM, self._told(lambda args: state.switch(args.get("sink"), live=True)))
        bus.register(Op.STREAM_STOP, Lane.STREAM, self._told(lambda args: state.switch(args.get("sink"), live=False)))
        set_sink = self._told(lambda args: state.set_sink(args.get("sink"), args.get("kind")))
        bus.register(Op.SINK_SET, Lane.CONFIG, set_sink)
        bus.register(Op.SINK_REMOVE, Lane.CONFIG, self._told(lambda args: state.remove_sink(args.get("sink"))))
        bus.register(Op.ENCODER_SET, Lane.CONFIG, self._told(lambda args: state.aim(args.get("bitrate"))))
        bus.register(Op.PRESET_SET, Lane.CONFIG, self._told(self._choose))
        bus.register(Op.SNAPSHOT_TAKE, Lane.RECORD, self._told(lambda args: {"id": args.get("id")}))
        bus.register(Op.SIM_FAULT, Lane.SYSTEM, self._told(self._fault))

    def _told(self, change: Any) -> Any:
        async def run(args: Mapping[str, Any]) -> Mapping[str, Any]:
            self.commands += 1
            answer: Mapping[str, Any] = change(args)
            self._show()
            return answer

        return run

    def _choose(self, args: Mapping[str, Any]) -> Mapping[str, Any]:
        name = args.get("modality")
        if not isinstance(name, str):
            raise Invalid("args.modality: must be the name of a preset")
        self._state.preset = name
        return {"modality": name}

    def _fault(self, args: Mapping[str, Any]) -> Mapping[str, Any]:
        seconds = args.get("seconds", _TROUBLE_S)
        if (
            args.get("fault") != "no_signal"
            or not isinstance(seconds, int | float)
            or not 0 < seconds <= _MAX_TROUBLE_S
        ):
            raise Invalid("args: a simulated fleet knows fault=no_signal, for up to 3600 seconds")
        self._lose_signal(seconds)
        return {"fault": "no_signal", "seconds": seconds}

    def _lose_signal(self, seconds: float) -> None:
        self._state.lose_signal(rfc3339(self._shared.clock.utc_ns()))
        self._show()
        asyncio.get_running_loop().call_later(seconds, self._regain_signal)

    def _regain_signal(self) -> None:
        self._state.lose_signal("")
        self._show()

    def _show(self) -> None:
        for name, section in self._state.sections().items():
            self._board.put(name, section)

    async def _live(self) -> None:
        chance = self._state.chance
        await asyncio.sleep(chance.uniform(0, _EVERY_S))
        while True:
            self._state.pass_time(_EVERY_S)
            if chance.random() < self._shared.trouble_per_h * _EVERY_S / 3600:
                self._lose_signal(_TROUBLE_S)
            self._show()
            await asyncio.sleep(_EVERY_S)
