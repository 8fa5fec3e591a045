"""GET /api/v1/events: the status document as a stream of changes (server-sent events)."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Mapping
from contextlib import aclosing
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from edge.ports import Clock
from edge.runtime.status_board import StatusBoard
from edge.web.status import time_of
from edge.web.streams import OpenStreams

HEARTBEAT_S = 10.0
_APART_S = 0.1
_STALLED_S = 15.0
_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]


def events_routes(*, board: StatusBoard, clock: Clock, streams: OpenStreams) -> APIRouter:
    router = APIRouter()

    @router.get("/api/v1/events")
    async def events() -> Response:
        streams.check()
        return EventStream(board=board, clock=clock, streams=streams)

    return router


class _Ended(Exception):
    """The stream is over: the reader left or the server goes down."""


class EventStream(Response):
    """First the whole document, then the changed sections, each as one event `status` with the box's time.

    Nothing is queued: a slow reader gets the newest sections when it reads again, one that
    reads nothing for 15 s is dropped.
    """

    def __init__(
        self,
        *,
        board: StatusBoard,
        clock: Clock,
        streams: OpenStreams,
        heartbeat_s: float = HEARTBEAT_S,
    ) -> None:
        super().__init__()
        self._board = board
        self._clock = clock
        self._streams = streams
        self._heartbeat_s = heartbeat_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._streams.held():
            await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
            if scope["method"] == "GET":
                await self._until_ended(receive, send)
            with contextlib.suppress(OSError):
                await _write(send, b"", timeout_s=0.2, more=False)

    async def _until_ended(self, receive: Receive, send: Send) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._statuses(send))
                group.create_task(self._beats(send))
                group.create_task(_until_gone(receive))
                group.create_task(self._until_closing())
        except* (_Ended, OSError):
            pass

    async def _statuses(self, send: Send) -> None:
        await _write(send, b"retry: 1000\n\n")
        async with aclosing(self._board.changes()) as changes:  # type: ignore[type-var]
            async for sections in changes:
                await _write(send, status_event({**sections, "time": time_of(self._clock)}))
                await asyncio.sleep(_APART_S)

    async def _beats(self, send: Send) -> None:
        while True:
            await asyncio.sleep(self._heartbeat_s)
            await _write(send, b": beat\n\n")

    async def _until_closing(self) -> None:
        await self._streams.closing()
        raise _Ended


def status_event(sections: Mapping[str, Any]) -> bytes:
    return b"event: status\ndata: " + json.dumps(sections, separators=(",", ":")).encode() + b"\n\n"


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    raise _Ended


async def _write(send: Send, body: bytes, *, timeout_s: float = _STALLED_S, more: bool = True) -> None:
    """Raises TimeoutError (an OSError) when the reader takes nothing."""
    async with asyncio.timeout(timeout_s):
        await send({"type": "http.response.body", "body": body, "more_body": more})
