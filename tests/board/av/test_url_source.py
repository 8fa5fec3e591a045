from __future__ import annotations

import contextlib
import logging
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from fractions import Fraction
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from board.av.input import shown
from board.av.url_source import UrlSource
from board.av.x264 import X264Encoder
from edge.model.errors import Unavailable
from edge.model.frame import Frame
from edge.model.signal import SignalState
from edge.model.video import Colorimetry, EncodeTarget, Range
from edge.runtime.clock import SystemClock
from tests.board.kit import next_frame, next_signal, plane, run

pytestmark = pytest.mark.peer
_PASSWORD = "open" + "sesame"  # never in one piece in a source line that a traceback shows


def make(path: Path, *coding: str, size: str = "320x240", rate: int = 50, frames: int = 20, look: str = "") -> Path:
    picture = ["-f", "lavfi", "-i", f"testsrc2=size={size}:rate={rate}", "-frames:v", str(frames)]
    run("ffmpeg", ["-v", "error", *picture, *(["-vf", look] if look else []), *coding, str(path)])
    return path


def source_of(path: Path | str, *, loop: bool = False) -> UrlSource:
    source = UrlSource(clock=SystemClock(), url=str(path), loop=loop, timeout_s=10)
    source.open()
    return source


def frames_until_end(source: UrlSource) -> list[Frame]:
    frames: list[Frame] = []
    for _ in range(500):
        taken = source.read(2)
        if isinstance(taken, Frame):
            frames.append(taken)
        elif taken is not None:
            return frames
    raise AssertionError("no end")


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return make(tmp_path / "clip.mp4", "-c:v", "libx264", "-bf", "3", "-pix_fmt", "yuv420p")


def test_a_file_is_paced_by_its_time_stamps_then_says_end_of_file(clip: Path) -> None:
    source = source_of(clip)
    frames = frames_until_end(source)
    assert len(frames) + source.dropped == 20
    span_ns = frames[-1].stamps.captured_ns - frames[0].stamps.captured_ns
    assert span_ns >= (frames[-1].seq - frames[0].seq) * 20_000_000 - 1_000_000
    assert all(frame.stamps.dequeued_ns >= frame.stamps.captured_ns for frame in frames)
    signal = source.read(0.01)
    assert signal == source.signal()
    assert (source.signal().state, source.signal().detail) == (SignalState.NO_SIGNAL, "end of file")
    source.close()


def test_a_loop_goes_on_with_later_times_and_marks_the_cut(clip: Path) -> None:
    source = source_of(clip, loop=True)
    frames = []
    while len(frames) < 2 or not frames[-1].discontinuity:
        frames.append(next_frame(source))
    captured = [frame.stamps.captured_ns for frame in frames]
    assert captured == sorted(set(captured))
    assert captured[-1] - captured[0] >= 390_000_000
    source.close()


class _LeapingClock(SystemClock):
    """The system's clock, set forward by hand."""

    leap_ns = 0

    def mono_ns(self) -> int:
        return super().mono_ns() + self.leap_ns


def test_a_reader_that_was_away_is_not_shown_fast_motion(clip: Path) -> None:
    clock = _LeapingClock()
    source = UrlSource(clock=clock, url=str(clip), loop=True)
    source.open()
    first = next_frame(source)
    clock.leap_ns = 60_000_000_000
    second, third = next_frame(source), next_frame(source)
    assert second.stamps.captured_ns - first.stamps.captured_ns >= 59_000_000_000
    assert third.stamps.captured_ns - second.stamps.captured_ns >= 19_000_000
    source.close()


def test_our_encoder_takes_the_decoders_picture_without_a_copy(clip: Path) -> None:
    source, encoder = source_of(clip), X264Encoder()
    frame = next_frame(source)
    encoder.open(frame.format, EncodeTarget(1_000_000, 2_000_000))
    units = list(encoder.encode(frame, force_key=False))
    for _ in range(5):
        units += encoder.encode(next_frame(source), force_key=False)
    assert [unit.key for unit in units] == [True] + [False] * 5  # whatever the picture was in the file
    source.close()


@pytest.mark.parametrize(
    ("coding", "size", "colorimetry", "reach"),
    [
        (["-c:v", "libx264", "-pix_fmt", "yuv420p"], "320x240", Colorimetry.BT601, Range.LIMITED),
        (["-c:v", "libx264", "-pix_fmt", "yuv420p"], "1280x720", Colorimetry.BT709, Range.LIMITED),
        (
            ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-colorspace", "bt709"],
            "320x240",
            Colorimetry.BT709,
            Range.LIMITED,
        ),
        (["-c:v", "libx264", "-pix_fmt", "yuvj420p"], "320x240", Colorimetry.BT601, Range.FULL),
        (["-c:v", "libx264", "-pix_fmt", "yuv422p10le"], "320x240", Colorimetry.BT601, Range.LIMITED),
        (["-c:v", "libx265", "-x265-params", "log-level=none"], "320x240", Colorimetry.BT601, Range.LIMITED),
        (["-c:v", "mjpeg", "-pix_fmt", "yuvj422p"], "320x240", Colorimetry.SYCC, Range.FULL),
        (["-c:v", "ffv1", "-pix_fmt", "bgr0"], "320x240", Colorimetry.BT601, Range.LIMITED),
    ],
)
def test_colours_are_what_the_stream_says(
    tmp_path: Path, coding: list[str], size: str, colorimetry: Colorimetry, reach: Range
) -> None:
    source = source_of(make(tmp_path / "clip.mkv", *coding, size=size, frames=2))
    frame = next_frame(source)
    assert (frame.format.colorimetry, frame.format.range) == (colorimetry, reach)
    assert frame.format.fps == Fraction(50)
    encoder = X264Encoder()
    encoder.open(frame.format, EncodeTarget(1_000_000, 2_000_000))
    assert encoder.encode(frame, force_key=False)[0].key
    source.close()


@pytest.mark.parametrize("coding", [["-c:v", "ffv1", "-pix_fmt", "bgr0"], ["-c:v", "ffv1", "-pix_fmt", "yuv444p"]])
def test_conversion_keeps_the_colour(tmp_path: Path, coding: list[str]) -> None:
    look = "geq=r=255:g=0:b=0" if "bgr0" in coding else "geq=lum=81:cb=90:cr=240"
    source = source_of(make(tmp_path / "red.mkv", *coding, frames=2, look=look))
    frame = next_frame(source)
    for index, expected in enumerate((81, 90, 240)):
        assert np.abs(plane(frame, index).astype(int) - expected).max() <= 3
    source.close()


def test_an_odd_size_loses_its_last_column_and_row_only(tmp_path: Path) -> None:
    coding = ["-c:v", "ffv1", "-pix_fmt", "yuv420p"]
    odd = source_of(make(tmp_path / "odd.mkv", *coding, size="321x241", frames=2))
    frame = next_frame(odd)
    assert (frame.format.width, frame.format.height) == (320, 240)
    assert plane(frame, 1).shape == (120, 160)
    odd.close()


def test_interlaced_pictures_come_without_combs(tmp_path: Path) -> None:
    coding = ["-c:v", "mpeg2video", "-flags", "+ildct+ilme", "-q:v", "2", "-pix_fmt", "yuv420p"]
    path = make(tmp_path / "laced.ts", *coding, rate=50, frames=20, look="tinterlace=interleave_top,setfield=tff")
    source = source_of(path)
    frames = frames_until_end(source)
    combs = [np.abs(np.diff(plane(frame, 0).astype(int), axis=0)).mean() for frame in frames[1:]]
    assert frames
    with contextlib.closing(source_of(make(tmp_path / "flat.ts", *coding[:2], "-q:v", "2"))) as progressive:
        flat = np.abs(np.diff(plane(next_frame(progressive), 0).astype(int), axis=0)).mean()
    assert max(combs) < 1.5 * flat
    source.close()


def test_a_format_change_in_mid_stream_shows_in_the_frame(tmp_path: Path) -> None:
    coding = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"]
    one = make(tmp_path / "one.h264", *coding, "-f", "h264")
    two = make(tmp_path / "two.h264", *coding, "-f", "h264", size="640x360")
    both = tmp_path / "both.h264"
    both.write_bytes(one.read_bytes() + two.read_bytes())
    source = source_of(both)
    sizes = [(frame.format.width, frame.format.height) for frame in frames_until_end(source)]
    assert list(dict.fromkeys(sizes)) == [(320, 240), (640, 360)]
    source.close()


def test_a_damaged_file_goes_on_after_the_damage(tmp_path: Path) -> None:
    path = make(tmp_path / "clip.ts", "-c:v", "libx264", "-g", "5", "-pix_fmt", "yuv420p", frames=50)
    damaged = bytearray(path.read_bytes())
    middle = len(damaged) // 3
    damaged[middle : middle + 2000] = b"\x55" * 2000
    path.write_bytes(damaged)
    source = source_of(path)
    assert len(frames_until_end(source)) > 20
    source.close()


def test_a_file_over_http_is_paced_like_a_file(clip: Path) -> None:
    with _serving(clip.parent) as port:
        source = source_of(f"http://127.0.0.1:{port}/{clip.name}")
        assert len(frames_until_end(source)) + source.dropped == 20
        source.close()


@contextlib.contextmanager
def _serving(directory: Path) -> Iterator[int]:
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(directory))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join(10)


def _refused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_missing_file_is_unreachable_by_name(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"nowhere\.mp4: no such file") as caught:
        source_of(tmp_path / "nowhere.mp4")
    assert caught.value.code == "source_unreachable"


@pytest.mark.parametrize("scheme", ["rtsp", "http", "tcp"])
def test_a_dead_url_is_unreachable_and_its_password_is_not_shown(
    scheme: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    port = _refused_port()
    with caplog.at_level(logging.DEBUG), pytest.raises(Unavailable) as caught:
        source_of(f"{scheme}://doctor:{_PASSWORD}@127.0.0.1:{port}/live")
    logging.getLogger("t").error("failed", exc_info=caught.value)
    assert caught.value.code == "source_unreachable"
    assert f"{scheme}://127.0.0.1:{port}/live: Connection refused" in str(caught.value)
    output = caplog.text + "".join(capfd.readouterr())
    assert _PASSWORD not in str(caught.value) + output


def test_a_silent_url_is_unreachable_in_time() -> None:
    port = _refused_port()
    source = UrlSource(clock=SystemClock(), url=f"udp://127.0.0.1:{port}", timeout_s=0.3)
    with pytest.raises(Unavailable, match="no answer in time") as caught:
        source.open()
    assert caught.value.code == "source_unreachable"


def test_garbage_is_unreadable_by_name(tmp_path: Path) -> None:
    path = tmp_path / "garbage.mp4"
    path.write_bytes(np.random.default_rng(3).bytes(50_000))
    with pytest.raises(Unavailable, match=r"garbage\.mp4: cannot be read as video") as caught:
        source_of(path)
    assert caught.value.code == "source_unreadable"


def test_sound_alone_is_unreadable(tmp_path: Path) -> None:
    run("ffmpeg", ["-v", "error", "-f", "lavfi", "-i", "sine=duration=1", str(tmp_path / "tone.wav")])
    with pytest.raises(Unavailable, match=r"tone\.wav: has no video"):
        source_of(tmp_path / "tone.wav")


def test_a_live_stream_that_ends_is_unreachable(clip: Path) -> None:
    port = _refused_port()
    arguments = ["-v", "quiet", "-nostdin", "-re", "-i", str(clip), "-c", "copy", "-f", "mpegts"]
    with subprocess.Popen(["ffmpeg", *arguments, f"tcp://127.0.0.1:{port}?listen=1"]) as feeder:
        source = _eventually_open(f"tcp://127.0.0.1:{port}")
        with pytest.raises(Unavailable, match="the peer ended the stream") as caught:
            next_signal(source)
        feeder.wait(20)
    assert caught.value.code == "source_unreachable"
    source.close()


def _eventually_open(url: str) -> UrlSource:
    for _ in range(100):
        with contextlib.suppress(Unavailable):
            return source_of(url)
        time.sleep(0.1)
    raise AssertionError(f"{url} never answered")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("rtsp://u:p@host/x", "rtsp://host/x"),
        ("rtsp://u:p@ss@host:554/x?y=1", "rtsp://host:554/x"),
        ("http://host/v.mjpg?user=admin&pwd=x", "http://host/v.mjpg"),
        ("rtsp://u:p/w@host/x", "rtsp://host/x"),
        ("http://host:80/a@b", "http://host:80/a@b"),
        ("http://user@host/a@b", "http://host/a@b"),
        ("/data/a@b.mp4", "/data/a@b.mp4"),
    ],
)
def test_a_url_is_shown_without_credentials(url: str, expected: str) -> None:
    assert shown(url) == expected
