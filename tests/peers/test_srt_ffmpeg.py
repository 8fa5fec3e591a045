"""Our SRT against FFmpeg's, both ways round. What it decodes, it must decode without one complaint."""

from __future__ import annotations

import os
import signal
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from edge.model import sei
from edge.model.frame import AccessUnit
from edge.model.video import Codec
from edge.sinks.errors import PeerLeft
from tests.media_units import continued, make_units
from tests.peers.srt_pump import Feeding, feed_when_up, receiver_when_up
from tests.srt_peers import OTHER_PASSPHRASE, PASSPHRASE, Listening, free_udp_port, program, running, wait_until
from tests.ts_reader import decoded, pes_list, unit_of_pes

pytestmark = pytest.mark.peer

_WANTED = 90


@pytest.fixture(scope="module")
def stream() -> list[AccessUnit]:
    """Half a minute at 60 fps, a keyframe twice a second."""
    return continued(make_units(60, 60, width=640, height=360, bitrate_bps=6_000_000, gop=30), 30)


def strict(url: str, frames: int = _WANTED) -> tuple[str, ...]:
    """Decode that many pictures; any decoding error ends ffmpeg with a code."""
    return (
        program("ffmpeg"), "-hide_banner", "-nostats", "-v", "warning", "-xerror", "-err_detect", "explode",
        "-f", "mpegts", "-i", url, "-frames:v", str(frames), "-fps_mode", "passthrough", "-f", "null", "-",
    )  # fmt: skip


def srt_url(port: int, mode: str, extra: str = "") -> str:
    return f"srt://127.0.0.1:{port}?mode={mode}{extra}"


def ended(process: subprocess.Popen[bytes]) -> tuple[int, str]:
    """(exit code, everything it complained of)."""
    _, complaints = process.communicate(timeout=40)
    return process.returncode, complaints.decode()


def test_ffmpeg_calls_us_and_decodes_without_a_complaint(stream: list[AccessUnit]) -> None:
    with Listening(outlet=Feeding(stream)) as listening, running(*strict(srt_url(listening.port, "caller"))) as ffmpeg:
        assert ended(ffmpeg) == (0, "")


def test_the_judge_complains_of_a_damaged_picture(stream: list[AccessUnit]) -> None:
    damaged = [replace(unit, data=unit.data[:-400] + bytes(400)) if unit.seq % 7 == 3 else unit for unit in stream]
    with Listening(outlet=Feeding(damaged)) as listening, running(*strict(srt_url(listening.port, "caller"))) as ffmpeg:
        code, complaints = ended(ffmpeg)
    assert complaints or code


def test_we_call_ffmpeg_and_it_decodes_without_a_complaint(stream: list[AccessUnit]) -> None:
    port = free_udp_port()
    with running(*strict(srt_url(port, "listener"))) as ffmpeg, feed_when_up(port, stream):
        assert ended(ffmpeg) == (0, "")


def test_encrypted_stream_is_decoded(stream: list[AccessUnit]) -> None:
    with Listening(passphrase=PASSPHRASE, outlet=Feeding(stream)) as listening:
        url = srt_url(listening.port, "caller", f"&passphrase={PASSPHRASE}")
        with running(*strict(url)) as ffmpeg:
            listening.wait_for_receivers(1)
            (sink,) = listening.outlet.sinks.values()
            assert sink.detail()["encrypted"] is True
            assert ended(ffmpeg) == (0, "")


def test_wrong_passphrase_gets_nothing_and_is_counted(stream: list[AccessUnit]) -> None:
    with Listening(passphrase=PASSPHRASE, outlet=Feeding(stream)) as listening:
        url = srt_url(listening.port, "caller", f"&passphrase={OTHER_PASSPHRASE}")
        with running(*strict(url)) as ffmpeg:
            code, _ = ended(ffmpeg)
        assert code != 0
        wait_until(lambda: listening.listener.detail()["rejected"] >= 1, "the rejection counted")
        assert listening.outlet.sinks == {}


def test_several_at_once_all_decode(stream: list[AccessUnit]) -> None:
    with Listening(outlet=Feeding(stream)) as listening:
        command = strict(srt_url(listening.port, "caller"))
        with running(*command) as one, running(*command) as two, running(*command) as three:
            assert [ended(ffmpeg) for ffmpeg in (one, two, three)] == [(0, "")] * 3


def test_stopped_receiver_disturbs_no_other(stream: list[AccessUnit]) -> None:
    outlet = Feeding(stream)
    with Listening(outlet=outlet) as listening:
        url = srt_url(listening.port, "caller")
        with running(*strict(url, 10_000)) as stopped:
            listening.wait_for_receivers(1)
            (name,) = outlet.sinks
            os.kill(stopped.pid, signal.SIGSTOP)
            with running(*strict(url, 300)) as healthy:
                assert ended(healthy) == (0, "")
            wait_until(lambda: name in outlet.detached, "the stopped receiver let go")
        frozen = outlet.feeds[name]
        assert frozen.slowest_write_s < 3, "a write blocks for 1 s at most; this machine may be busy"
        assert frozen.error is None or isinstance(frozen.error, PeerLeft)


def test_stream_id_of_ffmpeg_arrives(stream: list[AccessUnit]) -> None:
    with Listening(outlet=Feeding(stream)) as listening:
        url = srt_url(listening.port, "caller", "&streamid=theatre-3")
        with running(*strict(url)) as ffmpeg:
            listening.wait_for_receivers(1)
            (sink,) = listening.outlet.sinks.values()
            assert sink.detail()["stream_id"] == "theatre-3"
            assert ended(ffmpeg)[0] == 0


def test_time_sei_survives_into_a_recording(stream: list[AccessUnit], tmp_path: Path) -> None:
    recording = tmp_path / "stream.ts"
    with Listening(outlet=Feeding(stream)) as listening:
        command = (
            program("ffmpeg"), "-v", "error", "-i", srt_url(listening.port, "caller"),
            "-c", "copy", "-frames:v", "60", "-f", "mpegts", str(recording),
        )  # fmt: skip
        with running(*command) as ffmpeg:
            assert ended(ffmpeg) == (0, "")
    found = [sei.find(Codec.H264, unit_of_pes(pes)) for pes in pes_list(recording.read_bytes())]
    by_seq = {unit.seq: unit for unit in stream}
    assert len(found) == 60
    for one in found:
        assert one is not None
        assert one.utc_ns == by_seq[one.seq].utc_ns


def test_ffprobe_sees_one_program_with_video_on_pid_0x100(stream: list[AccessUnit]) -> None:
    with Listening(outlet=Feeding(stream)) as listening:
        command = (
            program("ffprobe"), "-v", "error", "-of", "csv=p=0",
            "-show_entries", "program=nb_streams:program_stream=id,codec_name,width,height",
            srt_url(listening.port, "caller"),
        )  # fmt: skip
        with running(*command) as ffprobe:
            out, complaints = ffprobe.communicate(timeout=40)
    assert complaints == b""
    assert out.decode().split()[0].startswith("1")
    assert "h264,640,360,0x100" in out.decode()


def test_our_receiver_takes_what_ffmpeg_sends(stream: list[AccessUnit]) -> None:
    port = free_udp_port()
    command = (
        program("ffmpeg"), "-v", "error", "-re", "-f", "lavfi", "-i", "testsrc=size=320x240:rate=30",
        "-c:v", "libx264", "-tune", "zerolatency", "-g", "15", "-f", "mpegts",
        srt_url(port, "listener", "&pkt_size=1316"),
    )  # fmt: skip
    ts = b""
    with running(*command), receiver_when_up(port) as receiver:
        while len(ts) < 120_000:
            ts += receiver.read()
    assert len(decoded(ts[: len(ts) // 188 * 188])) > 10
