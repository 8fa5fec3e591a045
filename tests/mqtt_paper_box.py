"""A box made of messages alone: it says it is there, and takes desired documents as the contract has it."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import time
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

from edge.link.engine import Broker, Engine

Judge = Callable[[Mapping[str, Any]], list[dict[str, str]]]


class PaperBox:
    """`judge` says what is wrong with a document; `taken` are the payloads it has seen."""

    def __init__(self, *, port: int, id: str, judge: Judge = lambda body: []) -> None:
        self.id = id
        self.judge = judge
        self.taken: list[dict[str, Any]] = []
        self.health = "ok"
        self.chal = base64.b64encode(bytes(16)).decode()
        self._broker = Broker("127.0.0.1", port)
        self._boot = str(uuid.uuid4())
        self._sess = int(time.time())
        self._rev = 0
        self._desired: dict[str, Any] = {"desired_rev": 0, "desired_status": "applied", "errors": []}
        self._engine: Engine

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        self._engine = Engine(client_id=self.id, broker=self._broker, clean=True)
        await self._engine.connect()
        self._sess += 1
        await self._say("link", self._link("online"))
        await self.say_state()
        await self._engine.subscribe(f"eb/1/{self.id}/desired")
        reading = asyncio.ensure_future(self._read())
        try:
            yield
        finally:
            reading.cancel()
            await self._say("link", self._link("offline"))
            await self._engine.close()

    async def say_state(self) -> None:
        self._rev += 1
        body = {"v": 1, "rev": self._rev, "boot": self._boot, "sess": self._sess, "health": self.health}
        await self._say("state", {**body, **self._desired})

    async def _read(self) -> None:
        while True:
            message = await self._engine.inbox.get()
            self._engine.acknowledge(message)
            text = json.loads(message.payload)["p"]
            body = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
            self.taken.append(body)
            if body["rev"] > self._desired["desired_rev"]:
                errors = self.judge(body)
                status = "rejected" if errors else "applied"
                self._desired = {"desired_rev": body["rev"], "desired_status": status, "errors": errors}
                await self.say_state()

    def _link(self, state: str) -> dict[str, Any]:
        head = {"v": 1, "state": state, "boot": self._boot, "sess": self._sess, "ts": time.time_ns() // 1_000_000}
        return {**head, "clk": "sync", "chal": self.chal, "sw": "1", "slot": "A", "proto": ["eb/1"]}

    async def _say(self, leaf: str, body: Mapping[str, Any]) -> None:
        await (await self._engine.publish(f"eb/1/{self.id}/{leaf}", json.dumps(body).encode(), retain=True))
