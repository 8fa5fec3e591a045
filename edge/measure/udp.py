"""MPEG-TS over plain UDP, one chunk per datagram."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import struct
from collections.abc import Iterator
from urllib.parse import urlsplit

from edge.model.errors import Busy, Invalid

_TICK_S = 0.2
_RECEIVE_BUFFER = 4 << 20


class UdpReceiver:
    """`udp://HOST:PORT`: an address of this machine, or a multicast group to join; iterating ends with `close`.

    Raises Invalid on the URL, Busy when the port is taken.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        host = (parts.hostname or "").removeprefix("@")
        try:
            port = parts.port
        except ValueError as error:
            raise Invalid(f"{url}: the port is not a number of 1 to 65535") from error
        if parts.scheme != "udp" or not port:
            raise Invalid(f"{url!r} is not udp://HOST:PORT")
        self._closed = False
        self._socket = _bound(host, port, url)

    def __iter__(self) -> Iterator[bytes]:
        while not self._closed:
            with contextlib.suppress(TimeoutError):
                yield self._socket.recv(65536)
        self._socket.close()

    def close(self) -> None:
        """From any thread; a wait under way ends within 0.2 s."""
        self._closed = True


def _bound(host: str, port: int, url: str) -> socket.socket:
    listening = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    listening.settimeout(_TICK_S)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
    try:
        listening.bind((host, port))
        if host and ipaddress.ip_address(host).is_multicast:
            group = struct.pack("4sI", socket.inet_aton(host), socket.INADDR_ANY)
            listening.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, group)
    except (OSError, ValueError) as error:
        listening.close()
        raise Busy(f"{url}: cannot listen there: {getattr(error, 'strerror', None) or error}") from error
    return listening
