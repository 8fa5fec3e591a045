"""ICE servers in Link header fields (RFC 9725 4.6): `<turn:host?transport=udp>; rel="ice-server"; username="u"`."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator

from edge.model.errors import Invalid
from edge.model.ice import IceServer, ice_address

_MOST = 8
_LINK = re.compile(r"<([^>]*)>((?:\s*;\s*[A-Za-z*_-]+\s*(?:=\s*(?:\"(?:[^\"\\]|\\.)*\"|[^\s\",;]*))?)*)")
_PARAMETER = re.compile(r";\s*([A-Za-z*_-]+)\s*=\s*(?:\"((?:[^\"\\]|\\.)*)\"|([^\s\",;]*))")


def ice_servers_of(links: Iterable[str]) -> tuple[IceServer, ...]:
    """Those of the header fields that are understood, eight at most; others are passed over."""
    return tuple(server for field in links for server in _servers(field))[:_MOST]


def _servers(field: str) -> Iterator[IceServer]:
    for match in _LINK.finditer(field):
        parameters = {
            name.lower(): re.sub(r"\\(.)", r"\1", quoted or bare)
            for name, quoted, bare in _PARAMETER.findall(match.group(2))
        }
        if "ice-server" not in parameters.get("rel", "").lower().split():
            continue
        if parameters.get("credential-type", "password") != "password":
            continue
        server = IceServer(match.group(1), parameters.get("username", ""), parameters.get("credential", ""))
        with contextlib.suppress(Invalid):
            ice_address(server.url)
            yield server


def link_of(server: IceServer) -> str:
    """One header field's value."""
    parts = [f'<{server.url}>; rel="ice-server"']
    if server.user:
        parts += [f'username="{_quoted(server.user)}"', f'credential="{_quoted(server.credential)}"']
        parts.append('credential-type="password"')
    return "; ".join(parts)


def _quoted(text: str) -> str:
    return re.sub(r'(["\\])', r"\\\1", text)
