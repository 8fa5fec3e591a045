"""The box's real link in a process of the model: all of it but the packet engine, on a real SQLite file."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edge.config.model import MqttConfig
from edge.link.link import Link
from edge.model.command import Lane
from edge.model.errors import Unavailable
from edge.runtime.command_bus import CommandBus
from edge.runtime.component import Context
from edge.runtime.status_board import StatusBoard
from edge.vault.keyring import TrustedKey
from edge.vault.signing import SigningKey
from tests.model.life import Lives
from tests.model.steploop import StepLoop
from tests.mqtt_orders import KEY, trust

BOX = "box-abcdef"
UTC_AHEAD_S = 1_800_000_000 - 1000


class LoopClock:
    """Monotonic time is the loop's; UTC is well ahead of it, and synchronised."""

    def __init__(self, loop: StepLoop) -> None:
        self._loop = loop

    def mono_ns(self) -> int:
        return int(self._loop.now_s * 1e9)

    def utc_ns(self, mono_ns: int | None = None) -> int:
        return (self.mono_ns() if mono_ns is None else mono_ns) + UTC_AHEAD_S * 1_000_000_000

    def synchronised(self) -> bool:
        return True

    def uncertainty_us(self) -> int | None:
        return 50


class Ring:
    def __init__(self, *keys: TrustedKey) -> None:
        self._keys = {key.kid: key for key in keys}

    def find(self, kid: str) -> TrustedKey | None:
        return self._keys.get(kid)


class ModelBox(Lives):
    """`runs` outlives each process: what was begun, in order. `told`: (life, number) of events given to the link.

    Operations: quick.run, slow.run (takes `args.seconds`), bad.run (fails after it began).
    """

    def __init__(self, loop: StepLoop, folder: Path) -> None:
        super().__init__(loop, "box")
        self._folder = folder
        self.path = folder / "link.sqlite"
        self.runs: list[str] = []
        self.told: list[tuple[int, int]] = []
        self.link: Link | None = None

    def kill(self) -> None:
        self.link = None
        super().kill()

    def event(self, n: int) -> None:
        assert self.link is not None
        self.link.life("model.event", {"n": n})
        self.told.append((self.lives, n))

    def read(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """What is on disk, seen by another program."""
        db = sqlite3.connect(self.path)
        try:
            return db.execute(query, values).fetchall()
        finally:
            db.close()

    async def _run(self) -> None:
        bus = CommandBus()
        bus.register("quick.run", Lane.STREAM, self._quick)
        bus.register("slow.run", Lane.RECORD, self._slow)
        bus.register("bad.run", Lane.CONFIG, self._bad)
        board = StatusBoard()
        board.put("signal", {"state": "locked"})
        self.link = Link(
            box_id=BOX,
            config=MqttConfig(host="127.0.0.1", port=1883, reconnect_spread_s=1.0),
            bus=bus,
            board=board,
            keyring=Ring(trust(), trust(kid=SigningKey(KEY).kid)),
            state_dir=self._folder,
            clock=LoopClock(self._loop),
            version="1.2.3",
            boot="boot",
        )
        await self.link.run(Context())

    async def _quick(self, args: Mapping[str, Any]) -> Mapping[str, Any]:
        self.runs.append(str(args["run"]))
        return {"run": args["run"]}

    async def _slow(self, args: Mapping[str, Any]) -> Mapping[str, Any]:
        self.runs.append(str(args["run"]))
        await asyncio.sleep(float(args["seconds"]))
        return {"run": args["run"]}

    async def _bad(self, args: Mapping[str, Any]) -> Mapping[str, Any]:
        self.runs.append(str(args["run"]))
        await asyncio.sleep(0.05)
        raise Unavailable("the disk is gone", code="disk_gone")
