"""Addresses and tokens of WHIP ingests: what may be asked, and what may be said of it to people."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import SplitResult, urljoin, urlsplit

from edge.model.errors import Invalid

_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]{1,4096}=*")  # RFC 6750 2.1
_DEFAULT_PORTS = {"http": 80, "https": 443}


def check_whip_url(url: str) -> None:
    """Raises Invalid, which repeats nothing that may be secret."""
    parts = _split(url)
    if parts.scheme not in _DEFAULT_PORTS:
        raise Invalid(f"WHIP address: scheme {parts.scheme!r} is not 'https'")
    if not parts.hostname:
        raise Invalid("WHIP address: it needs a host")
    if parts.username is not None or parts.password is not None:
        raise Invalid("WHIP address: no user or password belongs before the host; give a token")
    if parts.fragment or not url.isascii() or any(ord(letter) <= 0x20 or ord(letter) == 0x7F for letter in url):
        raise Invalid("WHIP address: it holds characters that none may hold")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise Invalid("WHIP address: http is for this machine only; say https")


def check_token(token: str) -> None:
    """Raises Invalid, which does not repeat it."""
    if not _TOKEN.fullmatch(token):
        raise Invalid("token: it must be letters, digits and -._~+/ with = at the end only (RFC 6750), 4096 at most")


def origin(url: str) -> tuple[str, str, int]:
    """(scheme, host, port): what a token may be shown to. Raises Invalid."""
    parts = _split(url)
    return parts.scheme, (parts.hostname or "").lower(), parts.port or _DEFAULT_PORTS.get(parts.scheme, 0)


def where(url: str) -> str:
    """`https://host:port`, for messages: path and query may hold keys. Raises Invalid."""
    parts = _split(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def follow(base: str, location: str) -> str:
    """The address that a Location at `base` leads to. Raises Invalid: may not be asked, or is less safe than `base`."""
    try:
        target = urljoin(base, location)
    except ValueError as error:
        raise Invalid("WHIP address: it does not parse") from error
    check_whip_url(target)
    if origin(base)[0] == "https" and origin(target)[0] != "https":
        raise Invalid("WHIP address: it leads from https to http")
    return target


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - raises ValueError on a port that is none
    except ValueError as error:
        raise Invalid("WHIP address: it does not parse") from error
    return parts
