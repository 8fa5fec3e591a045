"""The web server as a component."""

from __future__ import annotations

import asyncio
import signal
import socket
from typing import Any

import httpx
import pytest

from edge.model.errors import Unavailable
from edge.runtime.component import Context
from edge.web.server import WebServer


async def test_busy_port_names_the_address_and_how_to_find_the_holder(web: Any) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        with pytest.raises(Unavailable, match=rf"127\.0\.0\.1:{port} .*ss -ltnp 'sport = :{port}'") as caught:
            await WebServer(app=web.app, host="127.0.0.1", port=port).run(Context())
    assert caught.value.code == "port_in_use"


async def test_address_of_another_machine_is_named(web: Any) -> None:
    with pytest.raises(Unavailable, match=r"203\.0\.113\.7.*web\.host") as caught:
        await WebServer(app=web.app, host="203.0.113.7", port=0).run(Context())
    assert caught.value.code == "address_not_ours"


async def test_server_ends_with_streams_open_and_starts_again(web: Any) -> None:
    server = WebServer(app=web.app, host="127.0.0.1", port=0)
    interrupt = signal.getsignal(signal.SIGINT)
    for _ in range(2):
        ctx = Context()
        async with asyncio.timeout(10), asyncio.TaskGroup() as group:
            running = group.create_task(server.run(ctx))
            while not ctx.is_ready:
                await asyncio.sleep(0)
            assert signal.getsignal(signal.SIGINT) is interrupt
            async with (
                httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.bound_port}") as client,
                client.stream("GET", "/api/v1/events") as answer,
            ):
                ctx.ask_to_stop()
                async for _line in answer.aiter_lines():
                    pass
                async with asyncio.timeout(2):
                    await running
        assert server.bound_port is None
