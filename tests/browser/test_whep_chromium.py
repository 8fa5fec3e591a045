"""Real Chromium watches real x264 units over WHEP, sent by a process that can be killed."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, async_playwright

from edge.config.webrtc import WebrtcConfig
from edge.model.errors import EdgeError
from edge.model.feedback import Demotion
from edge.model.sei import TimeSei, find
from edge.model.video import Codec
from edge.rtc.process import RtcProcess
from edge.rtc.sessions import WhepSessions
from edge.rtc.unit_feed import UnitFeed
from edge.runtime.clock import SystemClock
from edge.runtime.component import Context
from tests.chromium import CHROMIUM, FLAGS

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]
HERE = Path(__file__).parent
NTP_UNIX_MS = 2_208_988_800_000


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


@pytest.fixture
async def box(tmp_path: Path) -> AsyncIterator[Box]:
    producer = Producer(tmp_path / "u.sock")
    feed = UnitFeed(
        rung="main",
        path=producer.path,
        on_unit=lambda unit: sessions.deliver(unit),
        on_connect=lambda: sessions.resync("main"),
    )
    sessions = WhepSessions(feedback={"main": feed}, clock=SystemClock())
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


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    assert shutil.which(CHROMIUM), f"{CHROMIUM} is needed: install the package chromium"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        await browser.close()


@pytest.fixture
async def page(box: Box, browser: Browser) -> Page:
    page = await browser.new_page()
    await page.goto(box.url)
    await page.evaluate("view()")
    await shown(page, 10)
    return page


async def shown(page: Page, more: int) -> None:
    """Wait until that many further pictures have been presented."""
    wanted = await page.evaluate("seen.presented") + more

    async def enough() -> bool:
        return bool(await page.evaluate("seen.presented") >= wanted)

    await eventually(enough)


async def test_chromium_decodes_h264_and_its_join_asked_for_a_keyframe(box: Box, page: Page) -> None:
    assert await page.evaluate("[picture.videoWidth, picture.videoHeight]") == [640, 360]
    stats = await page.evaluate("inbound()")
    assert stats["codec"] == "video/H264"
    await shown(page, 30)
    assert (await page.evaluate("inbound()"))["framesDecoded"] > stats["framesDecoded"]
    assert box.producer.keyframe_reasons()[0] == "join"
    assert [viewer["state"] for viewer in box.sessions.viewers()] == ["connected"]


async def test_the_same_page_gets_the_picture_back_after_the_producer_was_killed(box: Box, page: Page) -> None:
    [before] = box.sessions.viewers()
    timestamp = await page.evaluate("seen.shown.at(-1).rtpTimestamp")
    await box.producer.kill()
    await eventually(_is(lambda: not box.feed.connected))
    box.producer.heard.clear()
    await box.producer.start()
    await shown(page, 30)
    [after] = box.sessions.viewers()
    assert after["session"] == before["session"]
    assert box.producer.keyframe_reasons()[0] == "reconnect"
    gone_on = (await page.evaluate("seen.shown.at(-1).rtpTimestamp") - timestamp) & 0xFFFFFFFF
    assert 0 < gone_on < 90_000 * 120


async def test_the_page_can_pair_each_shown_picture_with_our_sei(page: Page) -> None:
    encoded = {each["metadata"]["rtpTimestamp"]: each for each in await page.evaluate("seen.encoded.slice(0, 60)")}
    pictures = [each for each in await page.evaluate("seen.shown.slice(0, 10)") if each["rtpTimestamp"] in encoded]
    assert len(pictures) == 10
    for picture in pictures:
        sei = _sei(encoded[picture["rtpTimestamp"]])
        assert sei.live
        assert abs(time.time_ns() - sei.utc_ns) < 600e9
    assert all(each["frameTimestamp"] == timestamp for timestamp, each in encoded.items())
    assert next(iter(encoded.values()))["type"] == "key"


async def test_absolute_capture_time_in_chromium_equals_our_sei(page: Page) -> None:
    encoded = {each["metadata"]["rtpTimestamp"]: each for each in await page.evaluate("seen.encoded.slice(0, 60)")}
    pictures = await page.evaluate("seen.shown.slice(0, 10)")
    assert "abs-capture-time" in await page.evaluate("seen.answer")
    assert "playout-delay" in await page.evaluate("seen.answer")
    paired = 0
    for source in (source for picture in pictures for source in picture["sync"]):
        if source["rtp"] in encoded and source["captureTimestamp"] is not None:
            paired += 1
            sei_ms = _sei(encoded[source["rtp"]]).utc_ns / 1e6
            assert abs(source["captureTimestamp"] - NTP_UNIX_MS - sei_ms) <= 2
    assert paired


async def test_chromium_tells_by_transport_feedback_how_the_path_does(box: Box, page: Page) -> None:
    answer = await page.evaluate("seen.answer")
    assert "transport-wide-cc" in answer
    assert "transport-cc" in answer
    await shown(page, 60)
    links = [line["link"] for line in box.producer.heard if "link" in line]
    reports = [link for link in links[5:] if link["delivered_bps"]]
    assert len(reports) >= 10
    assert {(link["sink"], link["role"], link["limit_bps"]) for link in reports} == {("viewer-1", "guide", None)}
    assert all(0 <= link["loss"] <= 1 and link["queue_ms"] >= 0 and link["rtt_ms"] is not None for link in reports)


class Bottleneck:
    """In front of the box's socket for one viewer: a line of `rate_bps`, whose every `lossy`th packet is lost."""

    def __init__(self, box: Box) -> None:
        [entry] = box.sessions._sessions.values()
        self._ice: Any = entry.peer._transceiver.sender.transport.transport
        self._through = self._ice._send
        self._ice._send = self._send
        self._free_s = 0.0
        self._count = 0
        self._line: set[asyncio.Task[None]] = set()
        self.rate_bps = 1e9
        self.lossy = 0

    async def _send(self, datagram: bytes) -> None:
        self._count += 1
        if self.lossy and self._count % self.lossy == 0:
            return
        now_s = time.monotonic()
        self._free_s = max(self._free_s, now_s) + len(datagram) * 8 / self.rate_bps
        task = asyncio.ensure_future(self._later(datagram, self._free_s - now_s))
        self._line.add(task)
        task.add_done_callback(self._line.discard)

    async def _later(self, datagram: bytes, wait_s: float) -> None:
        await asyncio.sleep(wait_s)
        with contextlib.suppress(ConnectionError):
            await self._through(datagram)


async def test_a_narrow_path_to_chromium_shows_as_a_queue_and_as_what_it_delivers(box: Box, page: Page) -> None:
    path = Bottleneck(box)
    await shown(page, 30)
    box.producer.heard.clear()
    path.rate_bps = 700_000

    async def seen_narrow() -> bool:
        links = [line["link"] for line in box.producer.heard if "link" in line]
        return any(each["queue_ms"] > 200 and 400_000 < each["delivered_bps"] < 1_000_000 for each in links)

    await eventually(seen_narrow)
    path.rate_bps = 1e9
    box.producer.heard.clear()

    async def seen_free() -> bool:
        links = [line["link"] for line in box.producer.heard if "link" in line]
        return any(each["queue_ms"] < 50 and each["delivered_bps"] > 1_000_000 for each in links)

    await eventually(seen_free)


async def test_what_is_lost_on_the_way_to_chromium_is_told_and_sent_again(box: Box, page: Page) -> None:
    path = Bottleneck(box)
    await shown(page, 30)
    path.lossy = 20

    async def told_and_repeated() -> bool:
        [viewer] = box.sessions.viewers()
        return viewer["loss"] > 0.02 and viewer["repeated"] >= 20

    await eventually(told_and_repeated)
    await shown(page, 60)
    [viewer] = box.sessions.viewers()
    assert viewer["loss"] < 0.15
    assert viewer["repeats_refused"] == 0
    path.lossy = 0
    await eventually(_is(lambda: box.sessions.viewers()[0]["loss"] == 0))


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


@pytest.fixture
async def two_rungs(tmp_path: Path) -> AsyncIterator[TwoRungs]:
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


async def test_a_demoted_page_goes_over_to_the_lesser_rung_and_back_without_a_new_session(
    two_rungs: TwoRungs, browser: Browser
) -> None:
    page = await browser.new_page()
    await page.goto(two_rungs.url)
    await page.evaluate("view()")
    await shown(page, 10)
    session = two_rungs.viewer["session"]
    for demoted, rung, size in ((True, "view", [320, 180]), (False, "main", [640, 360]), (True, "view", [320, 180])):
        two_rungs.demote(demoted)
        await eventually(_is(lambda rung=rung: two_rungs.viewer["rung"] == rung))
        await page.wait_for_function(f"[picture.videoWidth, picture.videoHeight].join() === '{size[0]},{size[1]}'")
        await shown(page, 30)
        assert await page.evaluate("[picture.videoWidth, picture.videoHeight]") == size
    assert two_rungs.viewer["session"] == session
    assert "picture lost" not in two_rungs.main.keyframe_reasons() + two_rungs.view.keyframe_reasons()


async def test_a_page_with_keyframes_only_shows_them_and_then_all_again(box: Box, page: Page) -> None:
    [viewer] = box.sessions.viewers()
    box.sessions.demote("main", Demotion(viewer["name"], demoted=True))
    await eventually(_is(lambda: "demoted" in box.producer.keyframe_reasons()))
    box.sessions.demote("main", Demotion(viewer["name"], demoted=False))
    await shown(page, 30)
    assert "promoted" in box.producer.keyframe_reasons()


async def test_a_page_that_closes_leaves_no_session(box: Box, page: Page) -> None:
    await page.evaluate("pc.close()")
    await eventually(_is(lambda: box.sessions.viewers() == []))


async def test_chromium_asks_by_pli_when_it_missed_the_keyframe(box: Box, browser: Browser) -> None:
    pretend = box.sessions
    whole, pretend.deliver = pretend.deliver, lambda unit: whole(replace(unit, key=not unit.key))  # type: ignore
    page = await browser.new_page()
    await page.goto(box.url)
    await page.evaluate("view()")
    await eventually(_is(lambda: "picture lost" in box.producer.keyframe_reasons()))
    pretend.deliver = whole  # type: ignore[method-assign]
    await shown(page, 10)


def _is(condition: Callable[[], bool]) -> Callable[[], Awaitable[bool]]:
    async def holds() -> bool:
        return condition()

    return holds


def _sei(encoded: dict[str, Any]) -> TimeSei:
    head = bytes(encoded["head"])
    assert head.startswith(b"\x00\x00\x00\x01"), "Annex B start code"
    sei = find(Codec.H264, head)
    assert sei is not None, "no time SEI in the encoded frame"
    return sei
