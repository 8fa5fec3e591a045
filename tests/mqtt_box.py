"""A box that consists of its link alone, in the test's loop or as a process of its own.

As a program: `python -m tests.mqtt_box PORT STATE_DIR`. Its operations write down each run.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

from edge.config.model import MqttConfig
from edge.link.desired import Applier
from edge.link.identity import box_id
from edge.link.link import Link
from edge.link.route import Route
from edge.model.command import Lane
from edge.model.errors import NotFound
from edge.runtime.clock import SystemClock
from edge.runtime.command_bus import CommandBus
from edge.runtime.component import Context
from edge.runtime.status_board import StatusBoard
from edge.vault.keyring import Keyring


class ToldClock(SystemClock):
    """The system's clock, synchronised when the test says so."""

    def __init__(self, *, synced: bool = True) -> None:
        super().__init__()
        self.synced = synced
        self.ahead_ns = 0

    def mono_ns(self) -> int:
        return super().mono_ns() + self.ahead_ns

    def synchronised(self) -> bool:
        return self.synced


class LinkBox:
    """Operations: stream.start, stream.stop, slow.wait (until `release`), system.reset (sensitive)."""

    def __init__(
        self,
        *,
        port: int,
        state_dir: Path,
        clock: ToldClock | None = None,
        desired: Applier | None = None,
        route: Route | None = None,
    ) -> None:
        self.state_dir = state_dir
        self.runs_path = state_dir / "runs.txt"
        self.clock = clock or ToldClock()
        self.board = StatusBoard()
        self.bus = CommandBus()
        self.release = asyncio.Event()
        self.id = box_id(state_dir)
        self.keyring = Keyring(state_dir / "controllers.json")
        self._sinks = {"srt": "stopped"}
        self.bus.register("stream.start", Lane.STREAM, lambda args: self._switch(args, "live"))
        self.bus.register("stream.stop", Lane.STREAM, lambda args: self._switch(args, "stopped"))
        self.bus.register("slow.wait", Lane.RECORD, self._wait)
        self.bus.register("system.reset", Lane.SYSTEM, self._reset)
        self.board.put("signal", {"state": "locked", "lock_changes": 1})
        self.board.put("picture", {"live": True, "reason": "", "age_ms": 3.0})
        self._put_sinks()
        config = MqttConfig(host="127.0.0.1", port=port, reconnect_spread_s=0.2)
        self.link = Link(
            box_id=self.id,
            config=config,
            bus=self.bus,
            board=self.board,
            keyring=self.keyring,
            state_dir=state_dir,
            clock=self.clock,
            version="1.2.3",
            desired=desired,
            route=route,
        )

    @property
    def runs(self) -> list[str]:
        return self.runs_path.read_text().split("\n")[:-1] if self.runs_path.exists() else []

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        ctx = Context()
        task = asyncio.ensure_future(self.link.run(ctx))
        try:
            yield
        finally:
            ctx.ask_to_stop()
            await asyncio.wait_for(task, 10)

    def _note(self, what: str) -> None:
        with self.runs_path.open("a") as file:
            file.write(f"{what}\n")

    async def _switch(self, args: Mapping[str, Any], state: str) -> Mapping[str, Any]:
        sink = args.get("sink")
        if sink not in self._sinks:
            raise NotFound(f"no sink {sink!r}", code="unknown_sink")
        self._note(f"{sink} {state}")
        self._sinks[sink] = state
        self._put_sinks()
        return {"sink": sink, "state": state}

    async def _wait(self, args: Mapping[str, Any]) -> Mapping[str, Any]:
        self._note("slow")
        await self.release.wait()
        return {}

    async def _reset(self, args: Mapping[str, Any]) -> Mapping[str, Any]:
        self._note("reset")
        return {}

    def _put_sinks(self) -> None:
        self.board.put("sinks", [{"name": name, "kind": "srt", "state": s} for name, s in self._sinks.items()])


async def _serve(port: int, state_dir: Path) -> None:
    await LinkBox(port=port, state_dir=state_dir).link.run(Context())


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), Path(sys.argv[2])))
