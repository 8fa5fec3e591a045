"""WHEP as edge-rtc has it, for Chromium: a producer that can be killed, sessions, an HTTP front."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.async_api import Page

from edge.config.webrtc import WebrtcConfig
from edge.model.errors import EdgeError
from edge.model.feedback import Demotion
from edge.rtc.process import RtcProcess
from edge.rtc.sessions import WhepSessions
from edge.rtc.unit_feed import UnitFeed
from edge.runtime.clock import SystemClock
from edge.runtime.component import Context

HERE = Path(__file__).parent


async def eventually(condition: Callable[[], Awaitable[Any]], *, within_s: float = 60) -> None:
    until = time.monotonic() + within_s
    while not await condition():
        assert time.monotonic() < until, "did not happen in time"
        await asyncio.sleep(0.05)


@dataclass
class Producer:
    """The unit producer as a child process; `heard` is the feedback that reached it."""

    path: Path
    options: tuple[str, ...] = ()
    heard: list[dict[str, Any]] = field(default_factory=list)
    process: asyncio.subprocess.Process | None = None
    reading: asyncio.Future[None] | None = None

    async def start(self) -> None:
        program = str(HERE / "unit_producer.py")
        pipe = asyncio.subprocess.PIPE
        argv = (sys.executable, program, str(self.path), *self.options)
        self.process = await asyncio.create_subprocess_exec(*argv, stdin=pipe, stdout=pipe)
        self.reading = asyncio.ensure_future(self._read(self.process))
        await eventually(self._listening)

    async def kill(self) -> None:
        assert self.process is not None
        assert self.reading is not None
        self.process.kill()
        await self.process.wait()
        await self.reading

    async def tell(self, lie: str) -> None:
        """See unit_producer.py; returns when it does so."""
        assert self.process is not None
        assert self.process.stdin is not None
        before = len(self.heard)
        self.process.stdin.write(f"{lie}\n".encode())
        await eventually(lambda: _told(self.heard[before:], lie))

    def keyframe_reasons(self) -> list[str]:
        return [line["keyframe"] for line in self.heard if "keyframe" in line]

    async def _listening(self) -> bool:
        return any("listening" in line for line in self.heard)

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        async for line in process.stdout:
            self.heard.append(json.loads(line))


async def _told(heard: list[dict[str, Any]], lie: str) -> bool:
    return {"lie": lie} in heard


class Front:
    """HTTP enough for one page: the page itself, and WHEP handed to the sessions."""

    def __init__(self, sessions: WhepSessions) -> None:
        self._sessions = sessions

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
        except asyncio.IncompleteReadError:
            writer.close()
            return
        request, *fields = head.strip().split("\r\n")
        named = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in fields)}
        body = (await reader.readexactly(int(named.get("content-length", 0)))).decode()
        method, path, _ = request.split()
        try:
            status, extra, answer = await self._answer(method, path.rsplit("/", 1)[1], body)
        except EdgeError as error:
            status, extra, answer = "400 Bad Request", "", f"{error.code}: {error}".encode()
        length = f"Content-Length: {len(answer)}\r\nConnection: close\r\n"
        writer.write(f"HTTP/1.1 {status}\r\n{length}{extra}\r\n".encode() + answer)
        writer.close()

    async def _answer(self, method: str, last: str, body: str) -> tuple[str, str, bytes]:
        if method == "POST":
            session, sdp = await self._sessions.offer(last, body)
            return "201 Created", f"Location: /whep/main/{session}\r\n", sdp.encode()
        if method == "PATCH":
            await self._sessions.trickle(last, body)
            return "204 No Content", "", b""
        return "200 OK", "Content-Type: text/html\r\n", (HERE / "whep_page.html").read_bytes()


@dataclass
class Box:
    """Feed and sessions as in the process edge-rtc, with a producer and an HTTP front."""

    url: str
    producer: Producer
    feed: UnitFeed
    sessions: WhepSessions


def fed_sessions(producer: Producer) -> tuple[UnitFeed, WhepSessions]:
    """Of the rung `main`, as the process edge-rtc ties them together."""
    feed = UnitFeed(
        rung="main",
        path=producer.path,
        on_unit=lambda unit: sessions.deliver(unit),
        on_connect=lambda: sessions.resync("main"),
    )
    sessions = WhepSessions(feedback={"main": feed}, clock=SystemClock())
    return feed, sessions


@contextlib.asynccontextmanager
async def serving_box(tmp_path: Path) -> AsyncIterator[Box]:
    producer = Producer(tmp_path / "u.sock")
    feed, sessions = fed_sessions(producer)
    context = Context()
    server = await asyncio.start_server(Front(sessions).serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    await producer.start()
    running = asyncio.gather(feed.run(context), sessions.run(context))
    yield Box(url, producer, feed, sessions)
    context.ask_to_stop()
    await running
    server.close()
    await producer.kill()


@dataclass
class TwoRungs:
    """A box whose process edge-rtc has `main` and, on demand, `view` of half the size."""

    url: str
    process: RtcProcess
    main: Producer
    view: Producer

    @property
    def viewer(self) -> Mapping[str, Any]:
        [viewer] = self.process.status()["viewers"]
        return viewer

    def demote(self, demoted: bool) -> None:
        self.process._sessions.demote("main", Demotion("viewer-1", demoted=demoted))


@contextlib.asynccontextmanager
async def serving_two_rungs(tmp_path: Path) -> AsyncIterator[TwoRungs]:
    main = Producer(tmp_path / "main.sock", ("--gop-s", "2"))
    view = Producer(tmp_path / "view.sock", ("--rung", "view", "--width", "320", "--height", "180"))
    process = RtcProcess(
        config=WebrtcConfig(),
        units={"main": main.path, "view": view.path},
        on_demand=["view"],
        ipc_path=tmp_path / "rtc.sock",
        clock=SystemClock(),
    )
    context = Context()
    server = await asyncio.start_server(Front(process._sessions).serve, "127.0.0.1", 0)
    await main.start()
    await view.start()
    running = asyncio.gather(*(component.run(context) for component in process.components))
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    yield TwoRungs(url, process, main, view)
    context.ask_to_stop()
    await running
    server.close()
    await main.kill()
    await view.kill()


async def shown(page: Page, more: int) -> None:
    """Wait until that many further pictures have been presented."""
    wanted = await page.evaluate("seen.presented") + more

    async def enough() -> bool:
        return bool(await page.evaluate("seen.presented") >= wanted)

    await eventually(enough)


def is_so(condition: Callable[[], bool]) -> Callable[[], Awaitable[bool]]:
    async def holds() -> bool:
        return condition()

    return holds
