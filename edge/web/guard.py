"""What every request passes first: who asks, from where, how much; and the headers every answer carries.

A page of another site that is open in the same browser must not reach the box: neither with a
name of its own that resolves to us (DNS rebinding: the Host header tells) nor with a
cross-origin request (the Origin header tells); but for what the configuration lets it (embedding.py).
"""

from __future__ import annotations

import ipaddress
import logging
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from edge.model.errors import Fault
from edge.web.body import MAX_BODY_BYTES, too_large
from edge.web.embedding import Embedding
from edge.web.problems import Problem, Refusal, problem_of

_LOG = logging.getLogger(__name__)
_LOCAL = ("localhost", "127.0.0.1", "::1")
_WILDCARDS = ("0.0.0.0", "::", "")  # noqa: S104 - compared with, never bound
_SAFE = ("GET", "HEAD", "OPTIONS")
_DEFAULT_PORTS = {"http": 80, "https": 443}
_POLICY, _FRAMES = "Content-Security-Policy", "X-Frame-Options"
SECURITY_HEADERS = {
    _POLICY: (
        "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; img-src 'self'; "
        "media-src 'self'; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    _FRAMES: "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


class Guard:
    """ASGI middleware; `hosts` are the names under which the box may be asked, beside loopback's.

    `embed_origins` are the sites whose pages may embed the picture.
    """

    def __init__(self, app: ASGIApp, *, hosts: Iterable[str] = (), embed_origins: Iterable[str] = ()) -> None:
        self._app = app
        self._embedding = Embedding(embed_origins)
        names = {host.lower().strip("[]") for host in hosts}
        self._any_address = any(name in _WILDCARDS for name in names)
        self._hosts = frozenset((*_LOCAL, *names)) - frozenset(_WILDCARDS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers, path = Headers(scope=scope), scope["path"]
        embedded = self._embedding.admits(path, headers)
        leave = self._embedding.leave(headers) if embedded else {}
        outlet = _Outlet(send, {**leave, **_security_headers(self._embedding.frames(path))})
        try:
            self._check_host(headers)
            preflight = self._embedding.preflight(scope["method"], headers) if embedded else None
            if preflight is not None:
                await Response(status_code=204, headers=dict(preflight))(scope, receive, outlet)
                return
            self._check(scope["method"], headers, embedded=embedded)
            await self._app(scope, receive, outlet)
        except Refusal as refusal:
            await problem_of(refusal)(scope, receive, outlet)
        except Exception:
            _LOG.exception("%s %s failed", scope["method"], scope["path"])
            if outlet.started:
                raise
            await Problem(500, Fault.code, "the box failed to answer")(scope, receive, outlet)

    def _check_host(self, headers: Headers) -> None:
        hosts = headers.getlist("host")
        if len(hosts) != 1 or not self._is_ours(hosts[0]):
            raise Refusal(403, "foreign_host", f"the box is not called {', '.join(hosts) or 'nothing'!r}")

    def _check(self, method: str, headers: Headers, *, embedded: bool) -> None:
        if embedded:
            self._embedding.check(headers)
        elif method not in _SAFE:
            _check_origin(headers, headers["host"])
        length = headers.get("content-length", "0")
        if length.isdecimal() and int(length) > MAX_BODY_BYTES:
            raise too_large()

    def _is_ours(self, host: str) -> bool:
        name = (_host_name(host) or "").lower().rstrip(".")
        return name in self._hosts or (self._any_address and _is_address(name))


class _Outlet:
    """`send` with headers added; knows whether the answer has begun."""

    def __init__(self, send: Send, headers: Mapping[str, str]) -> None:
        self._send = send
        self._headers = headers
        self.started = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            headers = MutableHeaders(scope=message)
            for name, value in self._headers.items():
                headers.setdefault(name, value)
        await self._send(message)


def _security_headers(ancestors: str) -> Mapping[str, str]:
    """`ancestors` are the sites that may frame this answer; X-Frame-Options knows no list of them."""
    if not ancestors:
        return SECURITY_HEADERS
    policy = SECURITY_HEADERS[_POLICY].replace("frame-ancestors 'none'", f"frame-ancestors {ancestors}")
    return {**{name: value for name, value in SECURITY_HEADERS.items() if name != _FRAMES}, _POLICY: policy}


def _check_origin(headers: Headers, host: str) -> None:
    if headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
        raise Refusal(403, "foreign_origin", "a page of another site may not command the box")
    origin = headers.get("origin")
    if origin is None:
        return
    scheme, _, rest = origin.partition("://")
    if scheme not in _DEFAULT_PORTS or _netloc(scheme, rest) != _netloc(scheme, host):
        raise Refusal(403, "foreign_origin", f"origin {origin[:200]!r} is not the host that was asked")


def _netloc(scheme: str, host: str) -> tuple[str | None, int | None]:
    try:
        parts = urlsplit(f"//{host}")
        return parts.hostname, parts.port or _DEFAULT_PORTS[scheme]
    except ValueError:
        return None, None


def _host_name(host: str) -> str | None:
    try:
        parts = urlsplit(f"//{host}")
        parts.port  # noqa: B018 - raises ValueError on a port that is none
    except ValueError:
        return None
    if parts.path or parts.query or parts.fragment or parts.username is not None:
        return None
    return parts.hostname


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
