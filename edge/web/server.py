"""The web server as a component: uvicorn in our own event loop."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from collections.abc import Callable, Iterator

import uvicorn
from fastapi import FastAPI

from edge.model.errors import Unavailable
from edge.runtime.component import Context
from edge.web.streams import OpenStreams

_BACKLOG = 128


class WebServer:
    """Serves until asked to stop, then ends open streams and requests within a second.

    `port` 0 takes a free one; `bound_port` says which. `run` raises Unavailable
    (`port_in_use`, `address_not_ours`) when it cannot listen.
    """

    name = "web"
    critical = False
    stall_s = None

    def __init__(self, *, app: FastAPI, host: str, port: int) -> None:
        self._app = app
        self._host = host
        self._port = port
        self._streams: OpenStreams = app.state.streams
        self.bound_port: int | None = None

    async def run(self, ctx: Context) -> None:
        sockets = await self._listen()
        self.bound_port = sockets[0].getsockname()[1]
        self._streams.reopen()
        server = _Server(self._settings(), on_started=ctx.ready)
        try:
            async with asyncio.TaskGroup() as group:
                watch = group.create_task(self._end_when_asked(ctx, server))
                await server.serve(sockets)
                watch.cancel()
        finally:
            self.bound_port = None
            for listener in sockets:
                listener.close()

    async def _end_when_asked(self, ctx: Context, server: uvicorn.Server) -> None:
        await ctx.stopped()
        self._streams.close()
        server.should_exit = True

    def _settings(self) -> uvicorn.Config:
        return uvicorn.Config(
            self._app,
            access_log=False,
            log_config=None,
            log_level="warning",
            lifespan="off",
            ws="none",
            server_header=False,
            timeout_graceful_shutdown=1,
        )

    async def _listen(self) -> list[socket.socket]:
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        except socket.gaierror as error:
            raise Unavailable(f"web.host {self._host!r}: {error.strerror}", code="address_not_ours") from error
        with contextlib.ExitStack() as opened:
            sockets = [self._open(opened, family, address) for family, _, _, _, address in found]
            opened.pop_all()
        return sockets

    def _open(self, opened: contextlib.ExitStack, family: int, address: tuple[object, ...]) -> socket.socket:
        listener = opened.enter_context(contextlib.closing(socket.socket(family, socket.SOCK_STREAM)))
        listener.setblocking(False)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        try:
            listener.bind(address)
            listener.listen(_BACKLOG)
        except OSError as error:
            raise self._cannot_listen(error) from error
        return listener

    def _cannot_listen(self, error: OSError) -> Unavailable:
        where = f"{self._host}:{self._port}"
        if error.errno == errno.EADDRINUSE:
            hint = f"`ss -ltnp 'sport = :{self._port}'` shows by whom; or set web.port"
            return Unavailable(f"{where} is taken by another program: {hint}", code="port_in_use")
        return Unavailable(f"cannot listen on {where}: {error.strerror}; see web.host", code="address_not_ours")


class _Server(uvicorn.Server):
    """uvicorn without signals of its own: those belong to the process that we are a part of."""

    def __init__(self, config: uvicorn.Config, *, on_started: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_started = on_started

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_started()
