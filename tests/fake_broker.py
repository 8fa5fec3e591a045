"""A broker for what a good one will not do: every answer is the test's. MQTT 5 and 3.1.1 at the level of packets,
written from the specification (MQTT 5.0, chapters 1 to 3), without the library that the box uses."""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Self

CONNECT, CONNACK, PUBLISH, PUBACK, SUBSCRIBE, SUBACK = 1, 2, 3, 4, 8, 9
PINGREQ, PINGRESP, DISCONNECT = 12, 13, 14
SESSION_EXPIRY, SERVER_KEEPALIVE, SERVER_REFERENCE, RECEIVE_MAXIMUM = 0x11, 0x13, 0x1C, 0x21
MAXIMUM_QOS, RETAIN_AVAILABLE, MAXIMUM_PACKET = 0x24, 0x25, 0x27
_FORMS = {0x02: ">I", 0x11: ">I", 0x13: ">H", 0x18: ">I", 0x21: ">H", 0x24: ">B", 0x25: ">B", 0x27: ">I"}
_WAIT_S = 20.0


@dataclass(frozen=True, slots=True)
class Hello:
    """A CONNECT. `properties`: those with a number, by identifier."""

    version: int
    clean: bool
    keepalive_s: int
    client_id: str
    properties: dict[int, int]


@dataclass(frozen=True, slots=True)
class Published:
    topic: str
    payload: bytes
    qos: int
    retain: bool
    mid: int
    properties: dict[int, int]


@dataclass(slots=True)
class Manners:
    """How the broker behaves; may be changed while it runs. `puback` gives a reason code, or None for never."""

    connack: int | None = 0
    connack_properties: bytes = b""
    speaks_5: bool = True
    session_kept: bool = False
    after_connack: bytes = b""
    kicks: bool = False
    pings: bool = True
    puback: Callable[[Published], int | None] = lambda published: 0
    suback: int = 1
    reads: bool = True


@dataclass(slots=True)
class FakeBroker:
    """Use as `async with FakeBroker() as broker`. Remembers what it was told."""

    manners: Manners = field(default_factory=Manners)
    hellos: list[Hello] = field(default_factory=list)
    published: list[Published] = field(default_factory=list)
    subscribed: list[str] = field(default_factory=list)
    acked: list[int] = field(default_factory=list)
    pings: int = 0
    goodbyes: int = 0
    connections: int = 0
    port: int = 0
    _writer: asyncio.StreamWriter | None = None
    _writers: list[asyncio.StreamWriter] = field(default_factory=list)
    _versions: dict[asyncio.StreamWriter, int] = field(default_factory=dict)
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *error: object) -> None:
        if self._server is not None:
            self._server.close()
        for writer in self._writers:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def until(self, true: Callable[[], bool], what: str) -> None:
        try:
            async with asyncio.timeout(_WAIT_S):
                while not true():
                    await self._news.wait()
                    self._news.clear()
        except TimeoutError:
            raise AssertionError(f"the broker never saw: {what}") from None

    def of(self, topic: str) -> list[Published]:
        return [one for one in self.published if one.topic == topic]

    def send(self, raw: bytes) -> None:
        """Any bytes to whoever spoke last."""
        assert self._writer is not None
        self._writer.write(raw)

    def deliver(self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False, mid: int = 1) -> None:
        body = text(topic) + (struct.pack(">H", mid) if qos else b"") + self._properties() + payload
        self.send(packet(PUBLISH, body, flags=qos << 1 | retain))

    def acknowledge(self, mid: int, reason: int = 0) -> None:
        tail = bytes((reason, 0)) if self._version == 5 and reason else b""
        self.send(packet(PUBACK, struct.pack(">H", mid) + tail))

    def kick(self, reason: int | None = None) -> None:
        """End the connection of whoever spoke last; with a reason, say it first (MQTT 5)."""
        writer, self._writer = self._writer, None
        if writer is not None:
            if reason is not None:
                writer.write(packet(DISCONNECT, bytes((reason, 0))))
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writer = writer
        self._writers.append(writer)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            async for kind, flags, body in _packets(reader):
                self._writer = writer
                self._take(kind, flags, body)
                self._news.set()
                if not self.manners.reads and kind == CONNECT:
                    return  # and the connection stays open, unread
        writer.close()
        self._news.set()

    def _take(self, kind: int, flags: int, body: bytes) -> None:
        if kind == CONNECT:
            self._welcome(body)
        elif kind == PUBLISH:
            self._accept(_published(flags, body, self._version))
        elif kind == SUBSCRIBE:
            self._subscribe(body)
        elif kind == PUBACK:
            self.acked.append(struct.unpack_from(">H", body)[0])
        elif kind == PINGREQ:
            self.pings += 1
            if self.manners.pings:
                self.send(packet(PINGRESP, b""))
        elif kind == DISCONNECT:
            self.goodbyes += 1

    def _welcome(self, body: bytes) -> None:
        hello = _hello(body)
        self.hellos.append(hello)
        if self._writer is not None:
            self._versions[self._writer] = hello.version
        manners = self.manners
        if hello.version == 5 and not manners.speaks_5:
            self.send(packet(CONNACK, b"\x00\x01"))
            return self.kick()
        if manners.connack is None:
            return self.kick()
        head = bytes((manners.session_kept and not manners.connack, manners.connack))
        properties = varint(len(manners.connack_properties)) + manners.connack_properties
        self.send(packet(CONNACK, head + (properties if hello.version == 5 else b"")) + manners.after_connack)
        if manners.kicks or manners.connack:
            self.kick()
        return None

    def _accept(self, published: Published) -> None:
        self.published.append(published)
        if published.qos and (reason := self.manners.puback(published)) is not None:
            self.acknowledge(published.mid, reason)

    def _subscribe(self, body: bytes) -> None:
        at = 2 + (1 + body[2] if self._version == 5 else 0)
        codes = b""
        while at < len(body):
            size = struct.unpack_from(">H", body, at)[0]
            self.subscribed.append(body[at + 2 : at + 2 + size].decode())
            codes += bytes((self.manners.suback,))
            at += size + 3
        self.send(packet(SUBACK, body[:2] + self._properties() + codes))

    @property
    def _version(self) -> int:
        return self._versions.get(self._writer, 5) if self._writer else 5

    def _properties(self) -> bytes:
        return b"\x00" if self._version == 5 else b""


def varint(value: int) -> bytes:
    out = bytearray()
    while True:
        value, byte = value >> 7, value & 0x7F
        out.append(byte | (0x80 if value else 0))
        if not value:
            return bytes(out)


def packet(kind: int, body: bytes, *, flags: int = 0) -> bytes:
    return bytes((kind << 4 | flags,)) + varint(len(body)) + body


def text(value: str) -> bytes:
    return struct.pack(">H", len(value.encode())) + value.encode()


def numbers(**by_name: int) -> bytes:
    """Properties for a CONNACK, such as `numbers(RECEIVE_MAXIMUM=1)`."""
    found = ((globals()[name], value) for name, value in by_name.items())
    return b"".join(bytes((which,)) + struct.pack(_FORMS[which], value) for which, value in found)


async def _packets(reader: asyncio.StreamReader) -> AsyncIterator[tuple[int, int, bytes]]:
    while True:
        first = (await reader.readexactly(1))[0]
        size = shift = 0
        while True:
            byte = (await reader.readexactly(1))[0]
            size |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                break
        yield first >> 4, first & 0x0F, await reader.readexactly(size)


def _read_properties(body: bytes, at: int) -> tuple[dict[int, int], int]:
    """Those with a number (all that a box sends), and where they end. Fewer than 128 bytes of them."""
    end = at + 1 + body[at]
    at += 1
    found = {}
    while at < end:
        form = _FORMS[body[at]]
        found[body[at]] = struct.unpack_from(form, body, at + 1)[0]
        at += 1 + struct.calcsize(form)
    return found, end


def _hello(body: bytes) -> Hello:
    assert body[:6] == b"\x00\x04MQTT"
    version, flags, keepalive_s = struct.unpack_from(">BBH", body, 6)
    properties, at = _read_properties(body, 10) if version == 5 else ({}, 10)
    size = struct.unpack_from(">H", body, at)[0]
    return Hello(version, bool(flags & 2), keepalive_s, body[at + 2 : at + 2 + size].decode(), properties)


def _published(flags: int, body: bytes, version: int) -> Published:
    size = struct.unpack_from(">H", body)[0]
    topic, at, qos = body[2 : 2 + size].decode(), 2 + size, flags >> 1 & 3
    mid = 0
    if qos:
        mid, at = struct.unpack_from(">H", body, at)[0], at + 2
    properties, at = _read_properties(body, at) if version == 5 else ({}, at)
    return Published(topic, body[at:], qos, bool(flags & 1), mid, properties)
