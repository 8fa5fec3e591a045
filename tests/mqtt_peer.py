"""An outside program at the broker: hears everything, says anything."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

from edge.link.engine import Broker, Engine, Message
from tests.mqtt_orders import order, signed

WAIT_S = 20.0


class Peer:
    """Use as `async with Peer(port=..., box=...) as peer`. Keeps every message in `heard`."""

    def __init__(
        self, *, port: int, box: str, tls: ssl.SSLContext | None = None, leaves: Sequence[str] = ("#",)
    ) -> None:
        self.box = box
        self._topics = [f"eb/1/{leaf if leaf == '#' else f'{box}/{leaf}'}" for leaf in leaves]
        self.heard: list[Message] = []
        self._engine = Engine(client_id=f"peer-{box}", broker=Broker("127.0.0.1", port, tls), clean=True)
        self._news = asyncio.Event()
        self._stack = contextlib.AsyncExitStack()

    async def __aenter__(self) -> Self:
        await self._engine.connect()
        self._stack.push_async_callback(self._engine.close)
        await self._engine.subscribe(*self._topics)
        reading = asyncio.ensure_future(self._read())
        self._stack.callback(reading.cancel)
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._stack.aclose()

    async def say(self, leaf: str, payload: bytes, *, retain: bool = False) -> int:
        """The reason code of the PUBACK."""
        return await (await self.send(leaf, payload, retain=retain))

    async def send(self, leaf: str, payload: bytes, *, retain: bool = False) -> asyncio.Future[int]:
        """The PUBACK's reason code, once it is there."""
        return await self._engine.publish(f"eb/1/{self.box}/{leaf}", payload, retain=retain)

    async def command(self, op: str, args: Mapping[str, Any] | None = None, **changes: Any) -> str:
        """Send a good command (but for the changes); its id."""
        body = order(self.box, op, args, **changes)
        await self.say("cmd", signed(body))
        return str(body["id"])

    def bodies(self, leaf: str) -> list[dict[str, Any]]:
        topic = f"eb/1/{self.box}/{leaf}"
        return [json.loads(m.payload) for m in self.heard if m.topic == topic and m.payload]

    def results(self, id: str) -> list[tuple[str, str]]:
        """(st, code) of each result of that command so far."""
        return [(r["cmd"]["st"], r["cmd"]["code"]) for r in self.bodies("res") if r["cmd"]["id"] == id]

    async def until(self, true: Callable[[], bool], what: str, *, timeout_s: float = WAIT_S) -> None:
        try:
            async with asyncio.timeout(timeout_s):
                while not true():
                    await self._news.wait()
                    self._news.clear()
        except TimeoutError:
            heard = [(m.topic, m.payload[:200]) for m in self.heard]
            raise AssertionError(f"never came: {what}; heard {heard}") from None

    async def final(self, id: str) -> tuple[str, str]:
        """The last word on a command."""
        pending = ("accepted", "running")
        await self.until(lambda: any(st not in pending for st, _ in self.results(id)), f"result of {id}")
        return next(result for result in self.results(id) if result[0] not in pending)

    async def online(self) -> dict[str, Any]:
        """The newest link message, once it says online."""
        await self.until(lambda: any(b["state"] == "online" for b in self.bodies("link")[-1:]), "online")
        return self.bodies("link")[-1]

    async def _read(self) -> None:
        while True:
            message = await self._engine.inbox.get()
            self.heard.append(message)
            self._engine.acknowledge(message)
            self._news.set()
