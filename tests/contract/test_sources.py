"""The source contract on the simulated board, V4L2 over drivers of Python, a file, and a live feed by ffmpeg."""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from board.av.url_source import UrlSource
from board.sim.source import SimSource
from edge.media.switched import SwitchedSource
from edge.ports import Source
from edge.runtime.clock import SystemClock
from tests.board.kit import BlockPainter, HandClock, run
from tests.board.v4l2.drivers.modes import HD720P60
from tests.board.v4l2.drivers.unicam import UnicamTc358743
from tests.board.v4l2.kit import source_of
from tests.contract.source_contract import SourceContract


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One second with B-frames."""
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    picture = ["-f", "lavfi", "-i", "testsrc2=size=320x240:rate=25", "-t", "1"]
    run("ffmpeg", ["-v", "error", *picture, "-c:v", "libx264", "-bf", "3", "-pix_fmt", "yuv420p", str(path)])
    return path


@pytest.fixture(scope="module")
def feed_port() -> Iterator[int]:
    """An MPEG-TS over UDP that begins a GOP five times a second."""
    if shutil.which("ffmpeg") is None:
        pytest.fail("ffmpeg is not installed: apt-get install ffmpeg")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    picture = ["-re", "-f", "lavfi", "-i", "testsrc2=size=320x240:rate=25"]
    coding = ["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", "5", "-pix_fmt", "yuv420p"]
    target = f"udp://127.0.0.1:{port}?pkt_size=1316"
    with subprocess.Popen(["ffmpeg", "-v", "quiet", "-nostdin", *picture, *coding, "-f", "mpegts", target]) as feeder:
        yield port
        feeder.terminate()
        feeder.wait(20)


class TestSimSource(SourceContract):
    @pytest.fixture
    def source(self) -> Source:
        return SimSource(clock=SystemClock(), painter=BlockPainter(), width=640, height=360, fps=50)


class TestSwitchedSource(SourceContract):
    """After a change of source."""

    @pytest.fixture
    def source(self) -> Source:
        def make(name: str) -> Source:
            size = {"pattern": (640, 360), "camera": (320, 240)}[name]
            return SimSource(clock=SystemClock(), painter=BlockPainter(), width=size[0], height=size[1], fps=50)

        switched = SwitchedSource(make=make, chosen="camera")
        switched.choose("pattern")
        return switched


class TestV4l2Source(SourceContract):
    """The TC358743 of a Raspberry Pi 4: it lends the driver's buffers."""

    @pytest.fixture
    def source(self) -> Source:
        clock = HandClock()
        driver = UnicamTc358743(clock=clock)
        driver.plug(HD720P60)
        return source_of(driver, clock=clock)


@pytest.mark.peer
class TestFileSource(SourceContract):
    @pytest.fixture
    def source(self, clip: Path) -> Source:
        return UrlSource(clock=SystemClock(), url=str(clip), loop=True)


@pytest.mark.peer
class TestLiveSource(SourceContract):
    @pytest.fixture
    def source(self, feed_port: int) -> Source:
        return UrlSource(clock=SystemClock(), url=f"udp://127.0.0.1:{feed_port}", timeout_s=15)
