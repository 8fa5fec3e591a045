"""Network addresses as the C struct sockaddr_in and sockaddr_in6 (Linux layout)."""

from __future__ import annotations

import socket
import struct

from edge.model.errors import Unavailable

_FAMILY = struct.Struct("=H")
_V4 = struct.Struct("!H4s8x")
_V6 = struct.Struct("!HI16sI")


def resolve(host: str, port: int) -> bytes:
    """The sockaddr of that host, IPv4 where it has both; every IPv4 interface when it is empty.

    May block on name service. Raises Unavailable (`host_not_found`).
    """
    if not host:
        return pack(socket.AF_INET, "0.0.0.0", port)  # noqa: S104 - a listener on every interface was asked for
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
    except (OSError, UnicodeError) as error:
        raise Unavailable(f"host {host!r} is not known: {error}", code="host_not_found") from error
    family, *_, address = min(found, key=lambda one: one[0] != socket.AF_INET)
    return pack(family, str(address[0]), port)


def pack(family: int, host: str, port: int) -> bytes:
    """`host` is a numeric address."""
    if family == socket.AF_INET6:
        plain = host.partition("%")[0]
        return _FAMILY.pack(family) + _V6.pack(port, 0, socket.inet_pton(socket.AF_INET6, plain), 0)
    return _FAMILY.pack(family) + _V4.pack(port, socket.inet_pton(socket.AF_INET, host))


def unpack(sockaddr: bytes) -> tuple[str, int]:
    """(numeric host, port); an IPv4 peer of an IPv6 socket shows as IPv4. Empty host for another family."""
    (family,) = _FAMILY.unpack_from(sockaddr)
    if family == socket.AF_INET:
        port, raw = _V4.unpack_from(sockaddr, _FAMILY.size)
        return socket.inet_ntop(socket.AF_INET, raw), port
    if family == socket.AF_INET6:
        port, _, raw, _ = _V6.unpack_from(sockaddr, _FAMILY.size)
        return socket.inet_ntop(socket.AF_INET6, raw).removeprefix("::ffff:"), port
    return "", 0


def family_of(sockaddr: bytes) -> int:
    return int(_FAMILY.unpack_from(sockaddr)[0])
