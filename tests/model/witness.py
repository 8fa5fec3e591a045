"""A controller by the letter of the contract, as plain as can be: what it wrote down outlives it."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from edge.link.engine import Message
from edge.model.errors import EdgeError
from tests.model.box import BOX, UTC_AHEAD_S
from tests.model.broker import SimBroker, SimEngine
from tests.model.life import Lives
from tests.model.steploop import StepLoop
from tests.mqtt_orders import order, signed

_ACK_S, _REPEAT_S = 1.0, 5.0
_PENDING = ("accepted", "running")


@dataclass(slots=True)
class Notebook:
    """On disk, as it were. `taken` holds every message of the box's order by its number."""

    epochs: list[str] = field(default_factory=list)
    taken: dict[int, dict[str, Any]] = field(default_factory=dict)
    position: int = 0
    open: dict[str, bytes] = field(default_factory=dict)
    answers: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    doubled: list[str] = field(default_factory=list)
    ctr: int = 0

    def take(self, body: dict[str, Any]) -> None:
        eseq = body["eseq"]
        if body["epoch"] not in self.epochs:
            self.epochs.append(body["epoch"])
        before = self.taken.setdefault(eseq, body)
        if before != body:
            self.doubled.append(f"eseq {eseq} is {before} and also {body}")
        while self.position + 1 in self.taken:
            self.position += 1
            self._read_in_order(self.taken[self.position])

    def _read_in_order(self, body: dict[str, Any]) -> None:
        if "cmd" in body:
            name, st, code = (body["cmd"][key] for key in ("id", "st", "code"))
            self.answers.setdefault(name, []).append((st, code))
            if st not in _PENDING and code != "busy":
                self.open.pop(name, None)


class Witness(Lives):
    """Takes in and acknowledges, asks for what is missing, repeats a command until it has its final state."""

    def __init__(self, loop: StepLoop, broker: SimBroker) -> None:
        super().__init__(loop, "controller")
        self._broker = broker
        self.book = Notebook()
        self._news = asyncio.Event()

    def check_healthy(self) -> None:
        assert self.book.doubled == []
        assert len(self.book.epochs) <= 1
        super().check_healthy()

    def finals(self, id: str) -> set[tuple[str, str]]:
        """The first in the box's order. A command that comes again after its end may also be told `expired` by then."""
        answers = self.book.answers.get(id, [])
        return set([answer for answer in answers if answer[0] not in _PENDING and answer[1] != "busy"][:1])

    def order(self) -> list[tuple[int, Mapping[str, Any]]]:
        return [(eseq, self.book.taken[eseq]) for eseq in range(1, self.book.position + 1)]

    def wish(self, id: str, op: str, **args: Any) -> None:
        """Write the command down; the process sends it until it has its final state."""
        now_s = int(self._loop.now_s + UTC_AHEAD_S)
        self.book.ctr += 1
        body = order(BOX, op, {"run": id, **args}, id=id, ctr=self.book.ctr, iat=now_s, exp=now_s + 60)
        self.book.open[id] = signed(body)
        self._news.set()

    async def _run(self) -> None:
        while True:
            engine = self._broker.engine(client_id="ctl", clean=True)
            with contextlib.suppress(EdgeError):
                await engine.connect()
                await engine.subscribe(*(f"eb/1/{BOX}/{leaf}" for leaf in ("evt", "res")))
                await engine.publish("eb/1/_ctl/ctl", b'{"v":1,"state":"online"}', retain=True)
                await self._converse(engine)
            await engine.close()
            await asyncio.sleep(1.0)

    async def _converse(self, engine: SimEngine) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._read(engine))
                group.create_task(self._acknowledge(engine))
                group.create_task(self._insist(engine))
                raise await engine.lost()
        except* EdgeError as lost:
            raise lost.exceptions[0] from None

    async def _read(self, engine: SimEngine) -> None:
        while True:
            message: Message = await engine.inbox.get()
            self.book.take(json.loads(message.payload))
            await asyncio.sleep(0)
            engine.acknowledge(message)

    async def _acknowledge(self, engine: SimEngine) -> None:
        while True:
            await asyncio.sleep(_ACK_S)
            if self.book.epochs:
                body = {"epoch": self.book.epochs[-1], "eseq": self.book.position}
                await engine.publish(f"eb/1/{BOX}/ack", json.dumps(body).encode())

    async def _insist(self, engine: SimEngine) -> None:
        while True:
            for envelope in list(self.book.open.values()):
                await engine.publish(f"eb/1/{BOX}/cmd", envelope)
            if self.book.taken and max(self.book.taken) > self.book.position:
                self.wish(f"ask-{self.book.ctr}", "evt.resend", **{"from": self.book.position + 1})
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_REPEAT_S):
                    await self._news.wait()
            self._news.clear()
