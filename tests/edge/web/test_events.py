"""The stream of changes, over a real server: an in-process transport does not stream."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from edge.runtime.component import Context
from edge.web.events import EventStream
from edge.web.server import WebServer


@pytest.fixture
async def live(web: Any) -> AsyncIterator[httpx.AsyncClient]:
    server, ctx = WebServer(app=web.app, host="127.0.0.1", port=0), Context()
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        group.create_task(server.run(ctx))
        while not ctx.is_ready:
            await asyncio.sleep(0)
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.bound_port}") as client:
            yield client
        ctx.ask_to_stop()


async def _next_status(lines: AsyncIterator[str]) -> Any:
    async for line in lines:
        if line == "event: status":
            return json.loads((await anext(lines)).removeprefix("data: "))
    raise AssertionError("the stream ended")


async def test_stream_gives_the_whole_first_and_then_what_changed(web: Any, live: httpx.AsyncClient) -> None:
    web.board.put("link", {"state": "online"})
    web.board.put("signal", {"state": "locked", "last_change_age_s": 1.0})
    async with live.stream("GET", "/api/v1/events") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        lines = answer.aiter_lines()
        first = await _next_status(lines)
        assert first["link"] == {"state": "online"}
        assert first["signal"] == {"state": "locked", "last_change_age_s": 1.0}
        web.board.put("link", {"state": "lost"})
        change = await _next_status(lines)
        assert change["link"] == {"state": "lost"}
        assert set(change) == {"link", "time"}


async def test_reader_that_leaves_frees_its_place(web: Any, live: httpx.AsyncClient) -> None:
    web.board.put("link", {})
    for _ in range(5):  # more than the two places
        async with live.stream("GET", "/api/v1/events") as answer:
            assert answer.status_code == 200
            await _next_status(answer.aiter_lines())
        while web.app.state.streams.count:
            await asyncio.sleep(0)


async def test_stream_over_the_limit_is_refused(web: Any, live: httpx.AsyncClient) -> None:
    async with live.stream("GET", "/api/v1/events"), live.stream("GET", "/api/v1/events"):
        answer = await live.get("/api/v1/events")
        assert (answer.status_code, answer.json()["code"]) == (503, "too_many_streams")


async def test_quiet_stream_beats_and_ends_when_the_server_closes(web: Any) -> None:
    stream = EventStream(board=web.board, clock=web.clock, streams=web.app.state.streams, heartbeat_s=0)
    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(message)
        if message.get("body") == b": beat\n\n":
            web.app.state.streams.close()

    async def receive() -> Any:
        await asyncio.Event().wait()

    await stream({"type": "http", "method": "GET"}, receive, send)
    assert sent[-1] == {"type": "http.response.body", "body": b"", "more_body": False}
    assert b": beat\n\n" in [message.get("body") for message in sent]
    assert web.app.state.streams.count == 0
