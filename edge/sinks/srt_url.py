"""Addresses of SRT peers: `srt://host:port?mode=caller|listener|rendezvous`.

Keys as in srt-live-transmit: `mode`, `latency` (milliseconds), `streamid`, `adapter` (an address or
interface of this machine), `port` (the UDP port here), `pbkeylen` (16, 24 or 32). A passphrase in a
URL is refused, since URLs are shown and logged.
"""

from __future__ import annotations

import contextlib
import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import SplitResult, parse_qsl, urlsplit

from edge.model.errors import Invalid
from edge.sinks.srt_access import parse_stream_id

MIN_LATENCY_MS, MAX_LATENCY_MS = 20, 8000
AUTOMATIC = 0  # a latency that follows the path
MAX_STREAM_ID_BYTES = 512  # SRTO_STREAMID
KEY_BYTES = (16, 24, 32)  # SRTO_PBKEYLEN: AES-128, -192, -256
_KEYS = ("mode", "latency", "streamid", "adapter", "port", "pbkeylen")
_INTERFACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,14}")  # IFNAMSIZ


class SrtMode(StrEnum):
    """Who opens the connection: `caller` we do, `listener` the peer does, `rendezvous` both at once."""

    CALLER = "caller"
    LISTENER = "listener"
    RENDEZVOUS = "rendezvous"


@dataclass(frozen=True, slots=True)
class SrtAddress:
    """An empty host is every interface and stands only in a listener's address.

    `latency_ms`, `stream_id` and `key_bytes` are None where the URL does not give them. `adapter` is an address or
    an interface of this machine, empty for what the routes say; `local_port` 0 is any, in rendezvous the peer's.
    """

    host: str
    port: int
    mode: SrtMode
    latency_ms: int | None = None
    stream_id: str | None = None
    adapter: str = ""
    local_port: int = 0
    key_bytes: int | None = None

    @property
    def where(self) -> str:
        """`host:port`, with an IPv6 host in brackets."""
        return where(self.host, self.port)


def where(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def parse_srt_url(url: str) -> SrtAddress:
    """Without `mode`, an address with a host is called and one without is listened on.

    Raises Invalid naming the part that is wrong, never its secret.
    """
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError as error:
        raise Invalid(f"SRT address: {error}") from error
    if parts.scheme != "srt":
        raise Invalid(f"SRT address: scheme {parts.scheme!r} is not 'srt'")
    if parts.username or parts.password:
        raise Invalid("SRT address: no user or password belongs before the host")
    if parts.path not in ("", "/") or parts.fragment:
        raise Invalid(f"SRT address: nothing may follow the port but '?': {parts.path or parts.fragment!r}")
    query = _query(parts)
    mode = _mode(query.get("mode"), host)
    if mode is SrtMode.LISTENER and "port" in query:
        raise Invalid("SRT address: 'port' is for callers, a listener's port stands after its host")
    adapter = _adapter(query["adapter"]) if "adapter" in query else ""
    if mode is SrtMode.LISTENER and host and adapter and not is_interface(adapter):
        raise Invalid("SRT address: a listener's address stands before its port or as adapter, not twice")
    return SrtAddress(
        host=host,
        port=_port(parts),
        mode=mode,
        latency_ms=_latency_ms(query["latency"]) if "latency" in query else None,
        stream_id=checked_stream_id(query["streamid"]) if "streamid" in query else None,
        adapter=adapter,
        local_port=_number("port", query["port"], range(1, 65536)) if "port" in query else 0,
        key_bytes=_number("pbkeylen", query["pbkeylen"], KEY_BYTES) if "pbkeylen" in query else None,
    )


def checked_stream_id(stream_id: str) -> str:
    """The stream id itself. Raises Invalid when it is too long for SRT, or access control that nobody would parse."""
    if len(stream_id.encode()) > MAX_STREAM_ID_BYTES:
        raise Invalid(f"SRT stream id: longer than {MAX_STREAM_ID_BYTES} bytes")
    return parse_stream_id(stream_id).text


def checked_latency_ms(latency_ms: int) -> int:
    """The latency itself. Raises Invalid (`range`) when it is out of what SRT is used with here."""
    if not MIN_LATENCY_MS <= latency_ms <= MAX_LATENCY_MS:
        sentence = f"latency_ms: {latency_ms} is not {AUTOMATIC} (automatic) or {MIN_LATENCY_MS} to {MAX_LATENCY_MS}"
        raise Invalid(sentence, code="range")
    return latency_ms


def _port(parts: SplitResult) -> int:
    try:
        port = parts.port
    except ValueError as error:
        raise Invalid("SRT address: the port is not a number of 1 to 65535") from error
    if not port:
        raise Invalid("SRT address: a port of 1 to 65535 is needed")
    return port


def _mode(mode: str | None, host: str) -> SrtMode:
    if mode is None:
        return SrtMode.CALLER if host else SrtMode.LISTENER
    if mode not in tuple(SrtMode):
        raise Invalid(f"SRT address: mode {mode!r} is not one of {', '.join(SrtMode)}")
    if mode != SrtMode.LISTENER and not host:
        raise Invalid(f"SRT address: mode {mode!r} needs a host")
    return SrtMode(mode)


def _latency_ms(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or not MIN_LATENCY_MS <= int(text) <= MAX_LATENCY_MS:
        raise Invalid(f"SRT address: latency {text!r} is not {MIN_LATENCY_MS} to {MAX_LATENCY_MS} ms")
    return int(text)


def _adapter(text: str) -> str:
    """Raises Invalid for what is neither a numeric address nor what an interface may be called."""
    with contextlib.suppress(ValueError):
        return str(ipaddress.ip_address(text))
    if not _INTERFACE.fullmatch(text):
        raise Invalid(f"SRT address: adapter {text!r} is neither an address nor an interface of this machine")
    return text


def is_interface(adapter: str) -> bool:
    """Whether an adapter is a network interface's name and not an address."""
    try:
        ipaddress.ip_address(adapter)
    except ValueError:
        return bool(adapter)
    return False


def _number(key: str, text: str, allowed: Sequence[int]) -> int:
    if text.isascii() and text.isdigit() and int(text) in allowed:
        return int(text)
    words = ", ".join(map(str, allowed)) if len(allowed) < 10 else f"{allowed[0]} to {allowed[-1]}"
    raise Invalid(f"SRT address: {key} {text!r} is not {words}")


def _query(parts: SplitResult) -> dict[str, str]:
    try:
        pairs = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    except ValueError as error:
        raise Invalid("SRT address: after '?' must come key=value pairs") from error
    for key, _ in pairs:
        if key == "passphrase":
            raise Invalid("SRT address: a passphrase does not belong into a URL, set it apart")
        if key not in _KEYS:
            raise Invalid(f"SRT address: unknown key {key!r}, known are {', '.join(_KEYS)}")
    if len(pairs) != len(dict(pairs)):
        raise Invalid("SRT address: a key stands twice")
    return dict(pairs)
