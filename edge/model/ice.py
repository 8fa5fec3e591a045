"""STUN and TURN servers."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from edge.model.errors import Invalid

_ADDRESS = re.compile(
    r"(stun|stuns|turn|turns):(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(?::(\d{1,5}))?(?:\?transport=(udp|tcp))?"
)
_PLAIN_PORT, _TLS_PORT = 3478, 5349


@dataclass(frozen=True, slots=True)
class IceServer:
    """`url` as in RFC 7064 and 7065. The credential never appears in repr, log or status."""

    url: str
    user: str = ""
    credential: str = field(default="", repr=False)

    @property
    def address(self) -> IceAddress:
        """Raises Invalid."""
        return ice_address(self.url)


@dataclass(frozen=True, slots=True)
class IceAddress:
    """`relays`: it is a TURN server. `transport` is `udp` or `tcp`; with `tls` it is always `tcp`."""

    relays: bool
    host: str
    port: int
    transport: str
    tls: bool


def ice_address(url: str) -> IceAddress:
    """Raises Invalid, which repeats nothing of an address that may hold a password."""
    match = _ADDRESS.fullmatch(url)
    if match is None:
        raise Invalid("not `stun:HOST:PORT`, `turn:HOST:PORT?transport=udp|tcp` or `turns:HOST:PORT`")
    scheme, host, port, transport = match.groups()
    tls = scheme.endswith("s")
    if scheme.startswith("stun") and (transport or tls):
        raise Invalid("STUN is asked over UDP only: `stun:HOST:PORT`")
    if tls and transport == "udp":
        raise Invalid("`turns:` is TLS over TCP; TURN over DTLS is not supported")
    number = int(port) if port else _TLS_PORT if tls else _PLAIN_PORT
    if not 1 <= number <= 65535:
        raise Invalid(f"there is no port {number}")
    return IceAddress(scheme.startswith("turn"), host.strip("[]"), number, "tcp" if tls else transport or "udp", tls)
