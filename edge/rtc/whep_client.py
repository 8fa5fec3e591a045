"""A WHEP viewer made of aiortc: decoded pictures from a box, for measuring and for tests."""

from __future__ import annotations

import asyncio
import http.client
import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from urllib.parse import urljoin, urlsplit

from aiortc import RTCSessionDescription
from aiortc.exceptions import InvalidStateError, OperationError
from aiortc.mediastreams import MediaStreamError
from av import VideoFrame

from edge.model.errors import EdgeError, Invalid, PeerGone, Rejected, TimedOut, Unavailable
from edge.model.ice import IceServer
from edge.rtc.connections import Connections

_HTTP_TIMEOUT_S = 10.0
_MAX_BODY = 256 << 10
_SCHEMES = ("http", "https")


@dataclass(frozen=True, slots=True)
class _Answer:
    sdp: str
    location: str


class WhepReceiver:
    """`async with WhepReceiver(url) as viewer: async for picture in viewer: ...`

    Entering raises Invalid (URL), Rejected (the box refused; its own code), PeerGone (nobody there)
    or Unavailable (not WHEP). Iterating raises TimedOut when no picture comes for `patience_s`, and
    PeerGone when the box ends the session.
    """

    def __init__(
        self,
        url: str,
        *,
        ice_servers: Sequence[IceServer] = (),
        relay_only: bool = False,
        trust: ssl.SSLContext | None = None,
        patience_s: float = 10.0,
        token: str = "",
    ) -> None:
        if urlsplit(url).scheme not in _SCHEMES or not urlsplit(url).hostname:
            raise Invalid(f"{url!r} is not an http or https URL")
        self._url = url
        self._patience_s = patience_s
        self._token = token
        self._location = ""
        connections = Connections(ice_servers=lambda: ice_servers, relay_only=relay_only, trust=trust)
        self._connection = connections.make()
        transceiver = self._connection.addTransceiver("video", direction="recvonly")
        connections.equip(transceiver)
        self._receiver = transceiver.receiver

    async def __aenter__(self) -> Self:
        try:
            await self._connection.setLocalDescription()
            offer = self._connection.localDescription.sdp
            answer = await asyncio.to_thread(_post_offer, _as_observer(self._url), offer, self._token)
            self._location = answer.location
            await self._connection.setRemoteDescription(RTCSessionDescription(answer.sdp, "answer"))
        except (ValueError, AssertionError, InvalidStateError, OperationError) as error:
            await self._leave()
            raise Unavailable(f"{self._url} answered with SDP that cannot be used: {error}") from error
        except BaseException:
            await self._leave()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._leave()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> VideoFrame:
        try:
            async with asyncio.timeout(self._patience_s):
                picture = await self._receiver.track.recv()
        except TimeoutError:
            raise TimedOut(f"no picture from {self._url} within {self._patience_s:g} s") from None
        except MediaStreamError as error:
            raise PeerGone(f"{self._url} ended the session") from error
        if not isinstance(picture, VideoFrame):
            raise Unavailable(f"{self._url} sent no pictures but {type(picture).__name__}")
        return picture

    async def _leave(self) -> None:
        location, self._location = self._location, ""
        await self._connection.close()
        if location:
            await asyncio.to_thread(_delete, location)


def _post_offer(url: str, sdp: str, token: str) -> _Answer:
    """Blocking. Raises Rejected, PeerGone, Unavailable."""
    request = urllib.request.Request(  # noqa: S310  # the scheme is checked by WhepReceiver
        url, data=sdp.encode(), headers={"Content-Type": "application/sdp"}, method="POST"
    )
    if token:
        request.add_unredirected_header("Authorization", f"Bearer {token}")
    try:
        with _direct().open(request, timeout=_HTTP_TIMEOUT_S) as response:
            body = response.read(_MAX_BODY).decode("utf-8", "replace")
            location = response.headers.get("Location", "")
            status = response.status
    except urllib.error.HTTPError as error:
        raise _refusal(url, error) from error
    except (OSError, http.client.HTTPException) as error:
        raise PeerGone(f"{url} does not answer: {getattr(error, 'reason', error)}") from error
    if status != http.HTTPStatus.CREATED or not body.startswith("v=0"):
        raise Unavailable(f"{url} is not a WHEP endpoint: it answered {status} without an SDP answer")
    location = urljoin(url, location) if location else ""
    return _Answer(body, location if urlsplit(location).scheme in _SCHEMES else "")


def _direct() -> urllib.request.OpenerDirector:
    """Media goes straight to the box; so does its signalling, whatever proxy the environment names."""
    return urllib.request.build_opener(urllib.request.ProxyHandler({}))


def _refusal(url: str, error: urllib.error.HTTPError) -> EdgeError:
    """What a problem document (RFC 9457) says, as our error; 4xx is Rejected, 5xx Unavailable."""
    with error:
        problem = _problem(error.read(_MAX_BODY))
    detail = problem.get("detail") or problem.get("title") or error.reason
    code = problem.get("code")
    kind = Rejected if error.code < http.HTTPStatus.INTERNAL_SERVER_ERROR else Unavailable
    return kind(f"{url} answered {error.code}: {detail}", code=code if isinstance(code, str) else None)


def _problem(body: bytes) -> dict[str, Any]:
    try:
        problem = json.loads(body)
    except ValueError:
        return {}
    return problem if isinstance(problem, dict) else {}


def _delete(location: str) -> None:
    """Blocking; the session would end by itself, so that a failure here is nobody's concern."""
    request = urllib.request.Request(location, method="DELETE")  # noqa: S310
    try:
        _direct().open(request, timeout=2).close()
    except (OSError, http.client.HTTPException):
        return


def _as_observer(url: str) -> str:
    """A measurement must not govern the bit rate; who says something else in the address means it."""
    return url if urlsplit(url).query else f"{url}?role=observer"
