"""The bytes of one connection: an asyncio transport on one side, on the other the socket that a packet engine reads.

Nothing here blocks and nothing here knows MQTT, but for where a packet ends: the engine gets whole packets only.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
import ssl
from collections.abc import Callable
from typing import cast

from edge.model.errors import PeerGone

_USER_TIMEOUT_MS = 20_000
_ATTEMPT_DELAY_S = 0.25  # between the addresses of one name (RFC 8305)
_LENGTH_BYTES = 4


class Wire(asyncio.Protocol):
    """Calls `on_packet` when a whole packet can be read, and `on_lost` once when it is over, with what the network
    or TLS said.

    The socket's part: `recv` gives what is there of that packet, `send` takes everything at once.
    """

    def __init__(
        self,
        *,
        max_packet_bytes: int,
        on_packet: Callable[[], None],
        on_lost: Callable[[Exception | None], None],
    ) -> None:
        self._max_packet_bytes = max_packet_bytes
        self._on_packet = on_packet
        self._on_lost = on_lost
        self._transport: asyncio.Transport | None = None
        self._raw = bytearray()
        self._packet = b""
        self._at = 0
        self.reading = True
        self._clock = asyncio.get_running_loop().time
        self.heard_s = self.said_s = self._clock()

    @property
    def kind(self) -> int:
        """The first byte of the packet that is there to be read."""
        return self._packet[0]

    @property
    def unsent_bytes(self) -> int:
        """What we said and the network has not taken yet."""
        return self._transport.get_write_buffer_size() if self._transport else 0

    def pause(self) -> None:
        """Let nothing more in, the network's window aside, until `resume`."""
        if self.reading and self._transport is not None:
            self.reading = False
            with contextlib.suppress(RuntimeError):  # over already
                self._transport.pause_reading()

    def resume(self) -> None:
        if not self.reading and self._transport is not None:
            self.reading = True
            with contextlib.suppress(RuntimeError):
                self._transport.resume_reading()
            self._hand_on()

    def cut(self, error: Exception) -> None:
        """End it at once, for that reason."""
        self._tell_lost(error)
        if self._transport is not None:
            self._transport.abort()

    # The transport's side.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        sock = transport.get_extra_info("socket")
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _USER_TIMEOUT_MS)
        self.heard_s = self.said_s = self._clock()

    def data_received(self, data: bytes) -> None:
        self.heard_s = self._clock()
        self._raw += data
        self._hand_on()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._tell_lost(exc)

    # The engine's side: what paho expects of a socket.

    def recv(self, buffer_size: int) -> bytes:
        part = self._packet[self._at : self._at + buffer_size]
        self._at += len(part)
        if not part:
            raise BlockingIOError
        return part

    def send(self, buffer: bytes | bytearray) -> int:
        if self._transport is None or self._transport.is_closing():
            raise BrokenPipeError("closed")
        self._transport.write(buffer)
        self.said_s = self._clock()
        return len(buffer)

    def close(self) -> None:
        """Once everything said is sent."""
        if self._transport is not None:
            self._transport.close()

    def setblocking(self, flag: bool) -> None:
        """Never does."""

    def fileno(self) -> int:
        return -1

    def _hand_on(self) -> None:
        while self.reading and self._transport is not None:
            try:
                size = packet_bytes(self._raw)
                if size > self._max_packet_bytes:
                    raise ValueError(f"a packet of {size} bytes")
            except ValueError as error:
                self.cut(PeerGone(f"the broker does not keep to MQTT: {error}"))
                return
            if not 0 < size <= len(self._raw):
                return
            self._packet, self._at = bytes(self._raw[:size]), 0
            del self._raw[:size]
            self._on_packet()

    def _tell_lost(self, error: Exception | None) -> None:
        on_lost, self._on_lost = self._on_lost, lambda _: None
        on_lost(error)


async def dial(wire: Wire, host: str, port: int, tls: ssl.SSLContext | None) -> None:
    """Connect the wire, TLS included. Raises OSError (ssl's and the resolver's errors are some)."""
    loop = asyncio.get_running_loop()
    try:
        await loop.create_connection(lambda: wire, host, port, ssl=tls, happy_eyeballs_delay=_ATTEMPT_DELAY_S)
    except ssl.SSLError:
        raise
    except ValueError as error:  # the resolver's, of a name that cannot be one
        raise OSError(str(error)) from error


def packet_bytes(raw: bytes | bytearray) -> int:
    """The whole length of the packet that begins `raw`; 0 while that cannot be said.

    Raises ValueError when no packet begins so (MQTT 5.0, 1.5.5: the length takes four bytes at most).
    """
    length = 0
    for index, byte in enumerate(raw[1 : 1 + _LENGTH_BYTES]):
        length |= (byte & 0x7F) << 7 * index
        if not byte & 0x80:
            return 2 + index + length
    if len(raw) > _LENGTH_BYTES:
        raise ValueError("a length that does not end")
    return 0


def is_loopback(host: str) -> bool:
    """Whether that name or address is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
