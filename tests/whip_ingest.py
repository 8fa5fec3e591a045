"""A WHIP ingest of its own: aiortc receives and decodes, uvicorn serves; it can refuse, redirect, die and come back."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvicorn
from aiortc import RTCConfiguration, RTCIceTransportPolicy, RTCPeerConnection, RTCSessionDescription
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


@dataclass(frozen=True, slots=True)
class Says:
    """What is answered in place of taking an offer."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""


@dataclass(slots=True)
class Seen:
    method: str
    path: str
    authorization: str


class WhipIngest:
    """Use as an async context. `says` are answers to the next offers; when they are used up, offers are taken.

    `configuration` is for its peer connections; `link` for the Link header of 201; `absolute` for its Location.
    """

    def __init__(
        self,
        *,
        token: str = "",
        tls: tuple[Path, Path] | None = None,
        port: int = 0,
        configuration: RTCConfiguration | None = None,
        link: str = "",
        absolute: bool = False,
        munge: Any = lambda sdp: sdp,
    ) -> None:
        self.token = token
        self.says: list[Says] = []
        self.seen: list[Seen] = []
        self.sessions: dict[str, RTCPeerConnection] = {}
        self.ended: list[str] = []
        self.offers: list[str] = []
        self._tracks: asyncio.Queue[Any] = asyncio.Queue()
        self._tls = tls
        self._port = port
        self._configuration = configuration or RTCConfiguration(iceServers=[])
        self._link = link
        self._absolute = absolute
        self._munge = munge

    @property
    def origin(self) -> str:
        return f"http{'s' if self._tls else ''}://localhost:{self._port}"

    @property
    def url(self) -> str:
        return f"{self.origin}/whip/room"

    async def __aenter__(self) -> WhipIngest:
        routes = [
            Route("/whip/{room}", self._offer, methods=["POST"]),
            Route("/elsewhere", self._offer, methods=["POST"]),
            Route("/session/{session}", self._session, methods=["DELETE", "PATCH"]),
        ]
        options: dict[str, Any] = {"log_level": "error", "lifespan": "off"}
        if self._tls is not None:
            options |= {"ssl_certfile": str(self._tls[0]), "ssl_keyfile": str(self._tls[1])}
        self._server = uvicorn.Server(uvicorn.Config(Starlette(routes=routes), **options))
        self._socket = socket.create_server(("127.0.0.1", self._port))
        self._port = self._socket.getsockname()[1]
        self._serving = asyncio.ensure_future(self._server._serve(sockets=[self._socket]))
        while not self._server.started:
            await asyncio.sleep(0.01)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.should_exit = True
        await self._serving
        self._socket.close()
        for connection in self.sessions.values():
            await connection.close()
        self.sessions.clear()

    async def picture(self) -> Any:
        """The next decoded picture of the newest session."""
        while not self._tracks.empty() or not hasattr(self, "_track"):
            self._track = await asyncio.wait_for(self._tracks.get(), 20)
        return await asyncio.wait_for(self._track.recv(), 20)

    async def end(self) -> None:
        """Ends every session as an ingest that is shut down does."""
        sessions, self.sessions = self.sessions, {}
        for connection in sessions.values():
            await connection.close()

    async def vanish(self) -> None:
        """Without a word: its sockets just go."""
        sessions, self.sessions = self.sessions, {}
        for connection in sessions.values():
            for transceiver in connection.getTransceivers():
                await transceiver.receiver.transport.transport.stop()
            with contextlib.suppress(Exception):
                await connection.close()

    async def _offer(self, request: Request) -> Response:
        self._note(request)
        offer = (await request.body()).decode()
        self.offers.append(offer)
        if self.says:
            says = self.says.pop(0)
            return Response(says.body, status_code=says.status, headers=dict(says.headers))
        if self.token and request.headers.get("authorization") != f"Bearer {self.token}":
            return Response(status_code=401, headers={"WWW-Authenticate": "Bearer"})
        if request.headers.get("content-type") != "application/sdp":
            return Response(status_code=415)
        return await self._take(offer)

    async def _take(self, offer: str) -> Response:
        connection = RTCPeerConnection(self._configuration)
        connection.on("track", self._tracks.put_nowait)
        await connection.setRemoteDescription(RTCSessionDescription(offer, "offer"))
        await connection.setLocalDescription()
        session = secrets.token_hex(4)
        self.sessions[session] = connection
        location = f"/session/{session}"
        headers = {"Location": self.origin + location if self._absolute else location, "ETag": '"1"'}
        if self._link:
            headers["Link"] = self._link
        answer = self._munge(connection.localDescription.sdp)
        return Response(answer, status_code=201, media_type="application/sdp", headers=headers)

    async def _session(self, request: Request) -> Response:
        self._note(request)
        if request.method == "PATCH":
            return Response(status_code=405)
        session = request.path_params["session"]
        connection = self.sessions.pop(session, None)
        if connection is None:
            return Response(status_code=404)
        self.ended.append(session)
        await connection.close()
        return Response(status_code=200)

    def _note(self, request: Request) -> None:
        self.seen.append(Seen(request.method, request.url.path, request.headers.get("authorization", "")))


RELAY_ONLY = RTCIceTransportPolicy.RELAY
