"""Listens at brokers and answers Prometheus: telemetry of the whole fleet without reaching any box."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import time
from collections.abc import Sequence

from edge.controller.exposition import Exposition
from edge.link.engine import Broker, Engine, Message
from edge.link.envelope import parse_json_object
from edge.link.topics import split, topic
from edge.model.errors import EdgeError, Invalid, Unavailable
from edge.runtime.backoff import Backoff
from edge.runtime.log import OutageLog

_LOG = logging.getLogger(__name__)
_LEAVES = ("link", "state", "tele/health", "tele/stream")
_WINDOW = 200  # it only listens: more at once is less waiting
_REQUEST_BYTES = 8192
_REQUEST_S = 5.0
_FORM = "text/plain; version=0.0.4; charset=utf-8"


class Exporter:
    """`run` until cancelled. It only reads: an access list may deny it every write."""

    def __init__(self, *, brokers: Sequence[Broker], host: str, port: int, name: str = "exporter") -> None:
        self._brokers = brokers
        self._host = host
        self._port = port
        self._name = name
        self._exposition = Exposition()
        self.listening: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def run(self) -> None:
        """Raises Unavailable `port` when it cannot listen. `listening` gives the port once it does."""
        try:
            server = await asyncio.start_server(self._serve, self._host, self._port, limit=_REQUEST_BYTES)
        except OSError as error:
            raise Unavailable(f"cannot listen at {self._host}:{self._port}: {error.strerror}", code="port") from error
        async with server, asyncio.TaskGroup() as group:
            self.listening.set_result(server.sockets[0].getsockname()[1])
            group.create_task(server.serve_forever())
            for broker in self._brokers:
                group.create_task(self._follow(broker))

    async def _follow(self, broker: Broker) -> None:
        where, backoff = broker.where, Backoff()
        outage = OutageLog(_LOG, where)
        while True:
            self._exposition.broker(where, up=False)
            began_s = time.monotonic()
            try:
                await self._listen(broker, where, outage)
            except EdgeError as error:
                outage.failed(error)
            await asyncio.sleep(backoff.next_wait_s(ran_s=time.monotonic() - began_s))

    async def _listen(self, broker: Broker, where: str, outage: OutageLog) -> None:
        client_id = f"{self._name}-{secrets.token_hex(4)}"
        engine = Engine(client_id=client_id, broker=broker, clean=True, receive_maximum=_WINDOW)
        try:
            await engine.connect()
            await engine.subscribe(*(topic("+", leaf) for leaf in _LEAVES))
            self._exposition.broker(where, up=True)
            outage.recovered()
            async with asyncio.TaskGroup() as group:
                reading = group.create_task(self._read(engine))
                error = await engine.lost()
                reading.cancel()
            raise error
        finally:
            await engine.close()

    async def _read(self, engine: Engine) -> None:
        while True:
            message = await engine.inbox.get()
            self._take(message)
            engine.acknowledge(message)

    def _take(self, message: Message) -> None:
        name = split(message.topic)
        if name is None or name[1] not in _LEAVES:
            return
        if not message.payload:
            if name[1] == "link":
                self._exposition.forget(name[0])
            return
        try:
            body = parse_json_object(message.payload)
        except Invalid:
            self._exposition.bad()
            return
        self._exposition.take(*name, body, utc_s=time.time(), mono_s=time.monotonic())

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request of HTTP/1.x, then the end of the connection."""
        with contextlib.suppress(OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            async with asyncio.timeout(_REQUEST_S):
                head = await reader.readuntil(b"\r\n\r\n")
                writer.write(self._answer(head.split(b"\r\n", 1)[0]))
                await writer.drain()
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    def _answer(self, request: bytes) -> bytes:
        words = request.split(b" ")
        if words[0] not in (b"GET", b"HEAD") or len(words) != 3:
            return _response("405 Method Not Allowed", "GET /metrics\n", body=True)
        if words[1].split(b"?")[0] != b"/metrics":
            return _response("404 Not Found", "the metrics are at /metrics\n", body=words[0] == b"GET")
        return _response("200 OK", self._exposition.text(mono_s=time.monotonic()), body=words[0] == b"GET")


def _response(status: str, text: str, *, body: bool) -> bytes:
    raw = text.encode()
    lines = (f"HTTP/1.1 {status}", f"Content-Type: {_FORM}", f"Content-Length: {len(raw)}", "Connection: close")
    return "\r\n".join((*lines, "", "")).encode() + (raw if body else b"")
