"""HTTP as a WHIP client needs it (RFC 9725): TLS verified, redirects followed with care, an end to every wait.

`http.client` and not a library: each redirect is judged here anyway, and signalling is a request a minute.
"""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import socket
import ssl
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from edge.model.errors import EdgeError, Invalid, PeerGone, Rejected, TimedOut, Unavailable
from edge.rtc.whip_url import follow, origin, where

_MAX_BODY = 256 << 10
_MAX_REDIRECTS = 5
_REDIRECTS = (http.HTTPStatus.TEMPORARY_REDIRECT, http.HTTPStatus.PERMANENT_REDIRECT)  # they keep method and body


@dataclass(frozen=True, slots=True)
class HttpRequest:
    method: str
    url: str
    token: str = field(default="", repr=False)
    body: str = field(default="", repr=False)
    content_type: str = ""


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """`url` is the one that answered in the end. Header names are lower case."""

    url: str
    status: int
    headers: Sequence[tuple[str, str]]
    body: str

    def header(self, name: str) -> str:
        """The first of that name, empty when there is none."""
        return next((value for key, value in self.headers if key == name), "")

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key == name]


class WhipHttp:
    """No proxy, whatever the environment names: media would not pass it. `trust` says whose certificates are good."""

    def __init__(self, *, trust: ssl.SSLContext | None = None) -> None:
        self._trust = trust

    async def send(self, request: HttpRequest, *, timeout_s: float = 10.0) -> HttpAnswer:
        """The answer, whatever its status, after at most five redirects.

        The token goes to the origin of `request.url` only. Raises TimedOut, PeerGone, Unavailable (`name_unknown`,
        `tls_failed`), Rejected (`tls_untrusted`, `redirect_refused`).
        """
        first, at = origin(request.url), request
        for _ in range(_MAX_REDIRECTS + 1):
            answer = await self._exchange(at, timeout_s)
            if answer.status not in _REDIRECTS:
                return answer
            target = _target(answer)
            at = replace(request, url=target, token=request.token if origin(target) == first else "")
        raise Rejected(f"{where(request.url)} redirects in circles", code="redirect_refused")

    async def _exchange(self, request: HttpRequest, timeout_s: float) -> HttpAnswer:
        exchange = _Exchange(request, self._trust, timeout_s)
        try:
            async with asyncio.timeout(timeout_s):
                return await asyncio.to_thread(exchange.run)
        except TimeoutError:
            raise TimedOut(f"{where(request.url)} did not answer within {timeout_s:g} s") from None
        finally:
            exchange.abort()


class _Exchange:
    """One request in a thread; `abort` ends what the thread waits for."""

    def __init__(self, request: HttpRequest, trust: ssl.SSLContext | None, timeout_s: float) -> None:
        parts = urlsplit(request.url)
        self._request = request
        self._target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        host = parts.hostname or ""
        self._connection = (
            http.client.HTTPSConnection(host, parts.port, timeout=timeout_s, context=trust)
            if parts.scheme == "https"
            else http.client.HTTPConnection(host, parts.port, timeout=timeout_s)
        )
        self._aborted = threading.Event()

    def run(self) -> HttpAnswer:
        try:
            return self._run()
        except (OSError, http.client.HTTPException) as error:
            raise _trouble(where(self._request.url), error) from error
        finally:
            self._connection.close()

    def abort(self) -> None:
        self._aborted.set()
        sock = self._connection.sock
        if sock is not None:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def _run(self) -> HttpAnswer:
        request, connection = self._request, self._connection
        connection.connect()
        if self._aborted.is_set():
            raise TimeoutError("nobody waits any more")
        headers = {"Accept": "application/sdp", "Connection": "close"}
        if request.content_type:
            headers["Content-Type"] = request.content_type
        if request.token:
            headers["Authorization"] = f"Bearer {request.token}"
        connection.request(request.method, self._target, body=request.body.encode() or None, headers=headers)
        response = connection.getresponse()
        body = response.read(_MAX_BODY).decode("utf-8", "replace")
        return HttpAnswer(
            request.url, response.status, [(key.lower(), value) for key, value in response.getheaders()], body
        )


def _target(answer: HttpAnswer) -> str:
    """Where a redirect leads. Raises Rejected `redirect_refused`."""
    here, location = where(answer.url), answer.header("location")
    if not location:
        raise Rejected(f"{here} redirects to nowhere: {answer.status} without Location", code="redirect_refused")
    try:
        return follow(answer.url, location)
    except Invalid as error:
        raise Rejected(f"{here} redirects where we do not follow: {error}", code="redirect_refused") from error


def _trouble(place: str, error: Exception) -> EdgeError:
    if isinstance(error, ssl.SSLCertVerificationError):
        sentence = f"the certificate of {place} is not trusted: {error.verify_message}; name its CA in webrtc.ca_file"
        return Rejected(sentence, code="tls_untrusted")
    if isinstance(error, ssl.SSLError):
        return Unavailable(f"no TLS with {place}: {error.reason or error}", code="tls_failed")
    if isinstance(error, socket.gaierror):
        return Unavailable(f"{place}: no such name in DNS: {error.strerror}", code="name_unknown")
    if isinstance(error, TimeoutError):
        return TimedOut(f"{place} did not answer in time")
    return PeerGone(f"{place} does not answer: {getattr(error, 'strerror', None) or error or type(error).__name__}")
