"""Our MPEG-TS before analysers and players nobody here wrote, through the wrap of its 33-bit clock.

tstools' tsreport and tsinfo judge clock, counters and tables; ffmpeg and GStreamer play.
"""

from __future__ import annotations

import itertools
import re
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from edge.measure.session import Carriers, Session, ts_units
from edge.model.frame import PTS_HZ, AccessUnit
from edge.model.video import Codec
from edge.runtime.clock import SystemClock
from edge.sinks.mpegts import TsMuxer
from tests.media_units import make_units
from tests.srt_peers import program, wait_until
from tests.ts_reader import delimiters, packet_times, ts_packets

pytestmark = pytest.mark.peer

_WRAP = 1 << 33
_FPS, _UNITS = 60, 240
_TABLES_EVERY = PTS_HZ // 10
_DVB_PCR_EVERY = PTS_HZ * 40 // 1000  # ETSI TR 101 290, 5.2.2; ISO/IEC 13818-1 wants 100 ms
_PLAYED = {Codec.H264: ("h264parse", "openh264dec"), Codec.H265: ("h265parse", "libde265dec")}


@pytest.fixture(scope="module", params=list(Codec), ids=str)
def codec(request: pytest.FixtureRequest) -> Codec:
    return Codec(request.param)


@pytest.fixture(scope="module")
def units(codec: Codec) -> list[AccessUnit]:
    """Four seconds whose time stamps wrap in the middle."""
    first_pts = _WRAP - _UNITS // 2 * PTS_HZ // _FPS + 700
    return make_units(_UNITS, _FPS, gop=30, codec=codec, first_pts=first_pts, bitrate_bps=3_000_000)


@pytest.fixture(scope="module")
def ts(units: list[AccessUnit]) -> bytes:
    return muxed(units)


@pytest.fixture
def recording(ts: bytes, tmp_path: Path) -> Path:
    path = tmp_path / "wrap.ts"
    path.write_bytes(ts)
    return path


def muxed(units: Sequence[AccessUnit]) -> bytes:
    muxer = TsMuxer()
    return b"".join(muxer.mux(unit) for unit in units)


def said(*argv: str | Path) -> str:
    """All that a program prints; it must end well."""
    ended = subprocess.run((program(str(argv[0])), *argv[1:]), capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout + ended.stderr


def figures(pattern: str, text: str) -> list[int]:
    found = re.search(pattern, text)
    assert found, f"{pattern} is not in:\n{text}"
    return [int(one) for one in found.groups()]


def pictures(text: str) -> list[float]:
    """Seconds at which a `fakesink silent=false` was handed a buffer."""
    stamps = re.findall(r"chain .*?pts: (\d+):(\d+):([\d.]+)", text)
    return [int(hours) * 3600 + int(minutes) * 60 + float(seconds) for hours, minutes, seconds in stamps]


def test_tsinfo_finds_one_program_with_video_alone(codec: Codec, recording: Path) -> None:
    text = said("tsinfo", recording)
    assert re.findall(r"Program (\d+) -> PID (\w+)", text) == [("1", "1000")]
    assert re.search(r"Program 1, version \d, PCR PID 0100", text)
    kinds = {Codec.H264: "1b", Codec.H265: "24"}
    assert re.findall(r"PID 0100 .*?Stream type (\w+)", text) == [kinds[codec]]
    assert ("Registration HEVC" in text) == (codec is Codec.H265)


def test_tsreport_finds_the_clock_in_time_and_ahead_of_the_pictures(recording: Path) -> None:
    """In ticks of 90 kHz; it counts a PCR gap of more than 100 ms as bad."""
    text = said("tsreport", "-buffering", recording)
    assert figures(r"PCRs found: (\d+), Bad \(>.1s\) gaps: (\d+), Max gap: (\d+)t", text) == [_UNITS, 0, 1500]
    assert figures(r"Minimum difference was +(-?\d+)t", text) == [1500]
    assert figures(r"Maximum difference was +(-?\d+)t", text) == [1500]
    assert figures(r"DTS-last DTS: min=(-?\d+)t, max=(-?\d+)t", text) == [1500, 1500]
    assert figures(r"duplicate packets: (\d+)", text) == [0]


@pytest.mark.parametrize(
    "fps", [Fraction(60), Fraction(50), Fraction(30), Fraction(25), Fraction(24000, 1001), Fraction(15)]
)
def test_clock_and_tables_are_never_late_at_any_picture_rate(fps: Fraction, tmp_path: Path) -> None:
    """By the time that the bytes have by the clocks around them; DVB's 40 ms for the clock, 100 ms for the tables."""
    picture = round(PTS_HZ / fps)
    made = [unit_at(unit, fps, 900_000 + n * picture) for n, unit in enumerate(make_units(60, 60, gop=60))]
    path = tmp_path / "rate.ts"
    path.write_bytes(muxed(made))
    (longest,) = figures(r"Max gap: (\d+)t", said("tsreport", "-buffering", path))
    assert longest <= _DVB_PCR_EVERY
    times = packet_times(path.read_bytes())
    for pid in (0, 0x1000):
        seen = [at for at, packet in zip(times, ts_packets(path.read_bytes()), strict=True) if packet.pid == pid]
        assert max(b - a for a, b in itertools.pairwise(seen)) <= _TABLES_EVERY, f"PID {pid:#x}"


def unit_at(unit: AccessUnit, fps: Fraction, pts: int) -> AccessUnit:
    video = replace(unit.format.video, fps=fps)
    return replace(unit, pts=pts, format=replace(unit.format, video=video))


def test_ffmpeg_counts_every_counter_and_complains_of_nothing(recording: Path) -> None:
    """At `debug` it names each packet lost by the continuity counter and each packet marked corrupt."""
    text = said("ffmpeg", "-nostats", "-v", "debug", "-i", recording, "-c", "copy", "-f", "null", "-")
    assert not re.findall(r"(?i)continuity check failed.*|.*corrupt.*", text)
    complaints = said(
        "ffmpeg", "-nostats", "-v", "warning", "-xerror", "-err_detect", "explode", "-i", recording, "-f", "null", "-"
    )
    assert complaints == ""


def test_ffmpeg_plays_over_the_wrap_without_a_gap(recording: Path) -> None:
    shown = said("ffprobe", "-v", "error", "-show_entries", "frame=pts", "-of", "csv=p=0", recording)
    stamps = [int(line.strip(",")) for line in shown.split() if line.strip(",")]
    assert len(stamps) == _UNITS
    assert {b - a for a, b in itertools.pairwise(stamps)} == {1500}


def test_gstreamer_plays_over_the_wrap_without_a_gap(codec: Codec, recording: Path) -> None:
    chain = ["!", "tsparse", "!", "tsdemux"]
    for element in (*_PLAYED[codec], "fakesink"):
        chain += ["!", element]
    shown = pictures(said("gst-launch-1.0", "-v", "filesrc", f"location={recording}", *chain, "silent=false"))
    assert len(shown) == _UNITS
    steps = [b - a for a, b in itertools.pairwise(shown)]
    assert min(steps) == pytest.approx(1 / _FPS, abs=0.0001)
    assert max(steps) == pytest.approx(1 / _FPS, abs=0.0001)


def test_our_own_reader_misses_nothing_over_the_wrap(ts: bytes) -> None:
    clock = SystemClock()
    session = Session(clock=clock, carriers=Carriers(strip=False))
    chunks = (ts[at : at + 1316] for at in range(0, len(ts), 1316))
    report = session.read_all(ts_units(chunks, clock=clock))
    assert (report.pictures, report.missing, report.restarts) == (_UNITS, 0, 0)


def test_every_unit_begins_with_a_delimiter_of_its_codec(codec: Codec, ts: bytes) -> None:
    assert delimiters(ts, codec) == _UNITS


def test_gstreamer_has_a_unit_whole_before_the_next_one_begins(ts: bytes, tmp_path: Path) -> None:
    """The pipe stays open: a demuxer that waits for the next unit would hold the last one back."""
    out = tmp_path / "said"
    command = ("-v", "fdsrc", "!", "tsdemux", "!", "fakesink", "sync=false", "silent=false")
    with out.open("wb") as into:
        player = subprocess.Popen((program("gst-launch-1.0"), *command), stdin=subprocess.PIPE, stdout=into)
    try:
        assert player.stdin is not None
        player.stdin.write(ts)
        player.stdin.flush()
        wait_until(lambda: len(pictures(out.read_text())) == _UNITS, "the last unit, with nothing after it")
    finally:
        player.kill()
        player.wait()
        if player.stdin is not None:
            player.stdin.close()
