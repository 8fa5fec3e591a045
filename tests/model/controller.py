"""The real controller in a process of the model: client, ledger and all, on a real SQLite file."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from unittest import mock

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge.controller.client import Controller
from edge.controller.home import Home
from edge.link.engine import Broker
from edge.model.command import Result
from edge.model.errors import Busy, Unavailable
from edge.vault.signing import SigningKey
from tests.model.box import BOX, UTC_AHEAD_S
from tests.model.broker import SimBroker
from tests.model.life import Lives
from tests.model.steploop import StepExecutor, StepLoop

_MODULES = ("client", "conversation", "counter", "inflow", "orders")


class ModelController(Lives):
    """`wishes` and `results` are what its user wrote down; `heard` is what each process was told of events."""

    def __init__(self, loop: StepLoop, broker: SimBroker, folder: Path, key: Ed25519PrivateKey) -> None:
        super().__init__(loop, "controller")
        self._broker = broker
        self._home = Home(folder)
        self._key = SigningKey(key)
        self.wishes: dict[str, tuple[str, Mapping[str, Any]]] = {}
        self.results: dict[str, list[Result]] = {}
        self.heard: list[tuple[int, Mapping[str, Any]]] = []
        self._news = asyncio.Event()

    @contextlib.contextmanager
    def in_the_model(self) -> Iterator[None]:
        """The loop's time, its wire and its turns instead of clocks, sockets and threads."""
        with contextlib.ExitStack() as stack:
            for name in _MODULES:
                stack.enter_context(mock.patch(f"edge.controller.{name}.time", LoopTime(self._loop)))
            stack.enter_context(mock.patch("edge.controller.client.Engine", self._broker.engine))
            stack.enter_context(mock.patch("edge.controller.ledger.ThreadPoolExecutor", StepExecutor))
            yield

    def wish(self, id: str, op: str, **args: Any) -> None:
        self.wishes[id] = (op, {"run": id, **args})
        self._news.set()

    def finals(self, id: str) -> set[tuple[str, str]]:
        return {(result.st, result.code) for result in self.results.get(id, [])}

    def order(self) -> list[tuple[int, Mapping[str, Any]]]:
        """All that is in its ledger, in the ledger's order; a hole that was given up has no number."""
        db = sqlite3.connect(self._home.path / "ledger.sqlite")
        try:
            rows = db.execute("SELECT eseq, gap, body FROM events ORDER BY n").fetchall()
        finally:
            db.close()
        return [(0 if gap else eseq, json.loads(body)) for eseq, gap, body in rows]

    async def _run(self) -> None:
        while True:
            with contextlib.suppress(Unavailable):
                async with Controller(
                    broker=Broker("127.0.0.1", 1883),
                    key=self._key,
                    home=self._home,
                    name="ctl",
                    follow=True,
                    on_event=self._on_event,
                ) as controller:
                    await self._work(controller)
            await asyncio.sleep(1.0)

    async def _work(self, controller: Controller) -> None:
        begun: set[str] = set()
        async with asyncio.TaskGroup() as group:
            while True:
                for name in [name for name in self.wishes if name not in begun]:
                    begun.add(name)
                    group.create_task(self._send(controller, name))
                await self._news.wait()
                self._news.clear()

    async def _send(self, controller: Controller, name: str) -> None:
        op, args = self.wishes[name]
        while True:
            try:
                result = await controller.send(BOX, op, args, id=name, timeout_s=60.0)
            except (Unavailable, Busy):
                await asyncio.sleep(1.0)
            else:
                self.results.setdefault(name, []).append(result)
                return

    def _on_event(self, box: str, event: Mapping[str, Any]) -> None:
        self.heard.append((self.lives, event))


class LoopTime:
    """What stands for the module `time`."""

    def __init__(self, loop: StepLoop) -> None:
        self._loop = loop

    def monotonic(self) -> float:
        return self._loop.now_s

    def time(self) -> float:
        return self._loop.now_s + UTC_AHEAD_S

    def time_ns(self) -> int:
        return int(self.time() * 1e9)
