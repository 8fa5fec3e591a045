from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from edge.model.errors import EdgeError, Invalid, NotFound, PeerGone, Rejected, TimedOut, Unavailable
from edge.rtc.sessions import WhepSessions
from edge.rtc.whep_client import WhepReceiver
from edge.runtime.clock import SystemClock


class Front:
    """HTTP enough for one WHEP client, in front of real sessions; `instead` answers in their place."""

    def __init__(self, sessions: WhepSessions) -> None:
        self.sessions = sessions
        self.instead: bytes | None = None
        self.seen: list[str] = []
        self._server: asyncio.Server | None = None

    async def start(self) -> str:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/whep/main"

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._converse(reader, writer)
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        sizes = [line.split(":")[1] for line in head.splitlines() if line.lower().startswith("content-length")]
        body = (await reader.readexactly(int(sizes[0]) if sizes else 0)).decode()
        self.seen.append(head.split()[0])
        writer.write(self.instead or await self._answer(head.split()[0], head.split()[1], body))

    async def _answer(self, method: str, path: str, body: str) -> bytes:
        if method == "DELETE":
            with contextlib.suppress(NotFound):  # it may have ended by itself: the client has closed first
                await self.sessions.end(path.rsplit("/", 1)[1])
            return b"HTTP/1.1 204 No Content\r\n\r\n"
        session, answer = await self.sessions.offer("main", body)
        return f"HTTP/1.1 201 Created\r\nLocation: /whep/main/{session}\r\n\r\n{answer}".encode()


@pytest.fixture
async def sessions(feedback) -> AsyncIterator[WhepSessions]:
    whep = WhepSessions(feedback={"main": feedback}, clock=SystemClock())
    yield whep
    await whep.set_enabled(False)


@pytest.fixture
async def front(sessions: WhepSessions) -> AsyncIterator[Front]:
    server = Front(sessions)
    yield server
    await server.stop()


async def test_pictures_come_until_the_viewer_leaves(front, sessions, show, playing, eventually) -> None:
    playing(show.play(sessions.deliver))
    count = 0
    async with WhepReceiver(await front.start()) as viewer:
        async for picture in viewer:
            assert (picture.width, picture.height) == (320, 240)
            count += 1
            if count == 5:
                break
    assert front.seen == ["POST", "DELETE"]
    assert sessions.viewers() == []


async def test_no_picture_is_said_after_some_patience(front) -> None:
    url = await front.start()
    async with WhepReceiver(url, patience_s=0.2) as viewer:
        with pytest.raises(TimedOut, match=r"no picture from .* within 0\.2 s"):
            await anext(viewer)


async def test_the_end_of_the_session_is_said(front, sessions, show, playing) -> None:
    playing(show.play(sessions.deliver))
    async with WhepReceiver(await front.start()) as viewer:
        await anext(viewer)
        await sessions.set_enabled(False)
        with pytest.raises(PeerGone, match="ended the session"):
            async for _ in viewer:
                pass


@pytest.mark.parametrize("url", ["", "127.0.0.1/whep", "file:///etc/passwd", "srt://127.0.0.1:9710", "http://"])
def test_what_is_no_http_url_is_refused(url: str) -> None:
    with pytest.raises(Invalid, match="not an http or https URL"):
        WhepReceiver(url)


async def test_a_dead_url_is_said(front) -> None:
    url = await front.start()
    await front.stop()
    with pytest.raises(PeerGone, match=r"does not answer: .*refused"):
        async with WhepReceiver(url):
            pass


PROBLEM = b'{"title": "Busy", "detail": "all 8 places for viewers are taken", "code": "too_many_viewers"}'


@pytest.mark.parametrize(
    ("instead", "kind", "code", "said"),
    [
        (b"HTTP/1.1 409 Conflict\r\n\r\n" + PROBLEM, Rejected, "too_many_viewers", "409: all 8 places"),
        (b"HTTP/1.1 404 Not Found\r\n\r\n<html>", Rejected, "rejected", "404: Not Found"),
        (b"HTTP/1.1 503 Away\r\n\r\n[]", Unavailable, "unavailable", "503: Away"),
        (b"HTTP/1.1 200 OK\r\n\r\n<html>", Unavailable, "unavailable", "not a WHEP endpoint"),
        (b"HTTP/1.1 201 Created\r\n\r\nv=0\r\nrubbish", Unavailable, "unavailable", "SDP that cannot be used"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", PeerGone, "peer_gone", "does not answer"),
    ],
)
async def test_what_the_box_says_is_passed_on(
    front, instead: bytes, kind: type[EdgeError], code: str, said: str
) -> None:
    front.instead = instead
    with pytest.raises(kind, match=said) as caught:
        async with WhepReceiver(await front.start()):
            pass
    assert caught.value.code == code
