"""A clock that stands still, real H.264 units, a real listening media socket, a real aiortc viewer."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from blockbuster import BlockBuster

from edge.model.feedback import Feedback, LinkReport
from edge.model.frame import AccessUnit, Stamps, pts_of
from edge.model.sei import TimeSei, insert
from edge.model.video import Codec, StreamFormat, VideoFormat
from edge.runtime.clock import SystemClock
from edge.runtime.component import Component, Context
from edge.runtime.unit_wire import LENGTH, pack_format, pack_unit, unpack_feedback

FORMAT = StreamFormat("main", 1, Codec.H264, VideoFormat(width=320, height=240, fps=Fraction(30)))


@pytest.fixture(autouse=True)
def no_blocking_in_the_loop() -> Iterator[None]:
    blockbuster = BlockBuster(scanned_modules="edge.rtc")
    # An aiortc receiver joins its decoder thread when it stops: the viewers here, never the box.
    blockbuster.functions["threading.Lock.acquire"].can_block_in("aiortc/rtcrtpreceiver.py", "__stop_decoder")
    blockbuster.activate()
    yield
    blockbuster.deactivate()


class StandingClock:
    """Monotonic time that moves by hand only."""

    def __init__(self) -> None:
        self.now_ns = 1_000_000_000

    def mono_ns(self) -> int:
        return self.now_ns

    def utc_ns(self, mono_ns: int | None = None) -> int:
        return 1_700_000_000_000_000_000 + (self.now_ns if mono_ns is None else mono_ns)

    def synchronised(self) -> bool:
        return True

    def uncertainty_us(self) -> int | None:
        return 0

    def advance(self, seconds: float) -> None:
        self.now_ns += int(seconds * 1e9)


@dataclass
class HeardFeedback:
    """Where a viewer's wishes go in these tests."""

    keyframes: list[tuple[str, str]] = field(default_factory=list)
    links: list[LinkReport] = field(default_factory=list)

    def request_keyframe(self, sink: str, reason: str) -> None:
        self.keyframes.append((sink, reason))

    def report_link(self, report: LinkReport) -> None:
        self.links.append(report)


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock()


@pytest.fixture
def feedback() -> HeardFeedback:
    return HeardFeedback()


@pytest.fixture
def make_unit() -> Callable[..., AccessUnit]:
    def make(seq: int, *, key: bool = False, at_ns: int = 1_000_000_000, payload: bytes = b"") -> AccessUnit:
        nal = (b"\x00\x00\x00\x01\x65" if key else b"\x00\x00\x00\x01\x41") + (payload or b"picture")
        stamps = Stamps(at_ns, at_ns, at_ns, at_ns)
        return AccessUnit(FORMAT, seq, pts_of(at_ns), at_ns, key, True, False, stamps, nal)

    return make


@pytest.fixture(scope="session")
def pictures() -> Sequence[tuple[bool, bytes]]:
    """(key, Annex B with time SEI) of 30 moving pictures, 320x240; the first two are keyframes."""
    codec: Any = av.CodecContext.create("libx264", "w")
    codec.width, codec.height, codec.pix_fmt = 320, 240, "yuv420p"
    codec.time_base, codec.framerate, codec.bit_rate = Fraction(1, 30), Fraction(30), 1_000_000
    codec.profile = "Baseline"
    codec.options = {"preset": "ultrafast", "tune": "zerolatency", "forced-idr": "1", "x264-params": "keyint=600"}
    return [_encode(codec, index) for index in range(30)]


def _encode(codec: Any, index: int) -> tuple[bool, bytes]:
    picture = np.full((360, 320), 128, np.uint8)
    picture[:240] = np.random.default_rng(index).integers(16, 235, (240, 320), dtype=np.uint8)
    frame = av.VideoFrame.from_ndarray(picture, format="yuv420p")
    frame.pts = index
    frame.pict_type = av.video.frame.PictureType.I if index < 2 else av.video.frame.PictureType.NONE
    [packet] = codec.encode(frame)
    sei = TimeSei(utc_ns=index + 1, seq=index, live=True, clock_synchronised=True)
    return packet.is_keyframe, insert(Codec.H264, bytes(packet), sei)


class Show:
    """Delivers those pictures for ever at 30 a second, a keyframe each second or on demand."""

    def __init__(self, pictures: Sequence[tuple[bool, bytes]]) -> None:
        self._pictures = pictures
        self._clock = SystemClock()
        self.sent: list[AccessUnit] = []

    def unit(self, index: int) -> AccessUnit:
        key, annexb = self._pictures[index % len(self._pictures)]
        now_ns = self._clock.mono_ns()
        stamps = Stamps(now_ns, now_ns, now_ns, now_ns)
        return AccessUnit(FORMAT, index, pts_of(now_ns), self._clock.utc_ns(now_ns), key, True, False, stamps, annexb)

    async def play(self, deliver: Callable[[AccessUnit], None]) -> None:
        for index in range(10_000):
            self.sent.append(self.unit(index))
            deliver(self.sent[-1])
            await asyncio.sleep(1 / 30)


@pytest.fixture
def show(pictures: Sequence[tuple[bool, bytes]]) -> Show:
    return Show(pictures)


class Viewer:
    """A real aiortc receiver in this process."""

    def __init__(self) -> None:
        self.connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.transceiver = self.connection.addTransceiver("video", direction="recvonly")

    async def offer(self) -> str:
        await self.connection.setLocalDescription()
        return self.connection.localDescription.sdp

    async def accept(self, answer: str) -> None:
        await self.connection.setRemoteDescription(RTCSessionDescription(answer, "answer"))

    async def picture(self) -> Any:
        return await asyncio.wait_for(self.transceiver.receiver.track.recv(), 20)

    async def vanish(self) -> None:
        """Gone without a word: no DTLS alert, no RTCP BYE, the sockets just go."""
        await self.transceiver.receiver.transport.transport.stop()


@pytest.fixture
async def make_viewer() -> AsyncIterator[Callable[[], Viewer]]:
    viewers: list[Viewer] = []

    def make() -> Viewer:
        viewers.append(Viewer())
        return viewers[-1]

    yield make
    for viewer in viewers:
        await viewer.connection.close()


@pytest.fixture
async def running() -> AsyncIterator[Callable[[Component], Context]]:
    """Runs components until the test ends; what they raise fails the test."""
    contexts: list[Context] = []
    tasks: list[asyncio.Future[None]] = []

    def start(component: Component) -> Context:
        contexts.append(Context())
        tasks.append(asyncio.ensure_future(component.run(contexts[-1])))
        return contexts[-1]

    yield start
    for context in contexts:
        context.ask_to_stop()
    await asyncio.gather(*tasks)


@pytest.fixture
async def playing() -> AsyncIterator[Callable[[Awaitable[None]], None]]:
    tasks: list[asyncio.Future[None]] = []
    yield lambda work: tasks.append(asyncio.ensure_future(work))
    for task in tasks:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


class MediaSocket:
    """The listening side of the unit socket, as the media process is."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.feedback: list[Feedback] = []
        self._writers: list[asyncio.StreamWriter] = []
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        self.path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._listen, self.path)

    async def stop(self) -> None:
        for writer in self._writers:
            writer.close()
        self._writers.clear()
        if self._server is not None:
            self._server.close()
        self._server = None
        self.path.unlink(missing_ok=True)

    async def connected(self) -> None:
        await eventually(lambda: bool(self._writers))

    def send(self, raw: bytes) -> None:
        for writer in self._writers:
            writer.write(raw)

    def send_unit(self, unit: AccessUnit) -> None:
        self.send(pack_format(unit.format) + pack_unit(unit))

    async def _listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                (size,) = LENGTH.unpack(await reader.readexactly(LENGTH.size))
                self.feedback.append(unpack_feedback(await reader.readexactly(size)))
        if writer in self._writers:
            self._writers.remove(writer)
        writer.close()


@pytest.fixture
async def media(tmp_path: Path) -> AsyncIterator[MediaSocket]:
    socket = MediaSocket(tmp_path / "units.sock")
    await socket.start()
    yield socket
    await socket.stop()


async def eventually(condition: Callable[[], bool], *, within_s: float = 20) -> None:
    """Wait until that holds; AssertionError after a generous time."""
    until = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < until, "did not happen in time"
        await asyncio.sleep(0.01)


@pytest.fixture(name="eventually")
def eventually_fixture() -> Callable[..., Awaitable[None]]:
    return eventually


@pytest.fixture
def of_epoch() -> Callable[[AccessUnit, int], AccessUnit]:
    return lambda unit, epoch: replace(unit, format=replace(unit.format, epoch=epoch))
