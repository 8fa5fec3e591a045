"""What the whole box sends, received by programs nobody here wrote."""

from __future__ import annotations

import io
import itertools
import json
import subprocess
import sys
import time
from collections.abc import Sequence

import av

from edge.model import sei
from edge.model.video import Codec
from tests.running_box import RunningBox


def _received(box: RunningBox, seconds: int, *, during: Sequence[str] = ()) -> bytes:
    """MPEG-TS as FFmpeg got it, untouched; processes named in `during` are killed meanwhile."""
    argv = ("ffmpeg", "-v", "error", "-t", str(seconds), "-i", box.srt_url, "-c", "copy", "-f", "mpegts", "-")
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as receiver:
        for name in during:
            time.sleep(1)
            box.kill(name)
        received, _ = receiver.communicate(timeout=60)
    return received


def _seis(ts: bytes) -> list[sei.TimeSei]:
    with av.open(io.BytesIO(ts), format="mpegts") as stream:
        found = [sei.find(Codec.H264, bytes(packet)) for packet in stream.demux(video=0) if packet.size]
    assert all(found), "every access unit carries the time SEI"
    return [one for one in found if one is not None]


def test_ffmpeg_decodes_the_srt_output_without_a_complaint(running_box: RunningBox) -> None:
    argv = ("ffmpeg", "-v", "warning", "-t", "4", "-i", running_box.srt_url, "-map", "0:v", "-f", "null", "-")
    ended = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 0
    assert ended.stderr == ""


def test_srt_live_transmit_gets_a_stream_that_ffprobe_knows(running_box: RunningBox) -> None:
    relay = ("srt-live-transmit", "-q", "-t:15", f"{running_box.srt_url}?mode=caller", "file://con")
    with subprocess.Popen(relay, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        ts = process.stdout.read(400_000)
        process.terminate()
    entries = "stream=codec_name,width,height,color_space,color_range,id,has_b_frames"
    probe = ("ffprobe", "-v", "error", "-show_entries", entries, "-of", "json", "-")
    ended = subprocess.run(probe, input=ts, capture_output=True, timeout=60, check=True)
    (stream,) = json.loads(ended.stdout)["streams"]
    assert stream == {
        "codec_name": "h264",
        "width": 1280,
        "height": 720,
        "has_b_frames": 0,
        "color_range": "tv",
        "color_space": "bt709",
        "id": "0x100",
    }


def test_several_receivers_get_every_access_unit_at_once(running_box: RunningBox) -> None:
    argv = ("ffmpeg", "-v", "error", "-t", "4", "-i", running_box.srt_url, "-c", "copy", "-f", "mpegts", "-")
    receivers = [subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) for _ in range(3)]
    for receiver in receivers:
        seen = [one.seq for one in _seis(receiver.communicate(timeout=60)[0])]
        assert len(seen) > 60
        assert all(after == before + 1 for before, after in itertools.pairwise(seen))


def test_death_of_the_rtc_process_costs_srt_no_access_unit(running_box: RunningBox) -> None:
    seen = [one.seq for one in _seis(_received(running_box, 5, during=["rtc"]))]
    assert len(seen) > 90
    assert all(after == before + 1 for before, after in itertools.pairwise(seen))


def test_receiver_stays_through_loss_and_return_of_the_signal(running_box: RunningBox) -> None:
    argv = ("ffmpeg", "-v", "error", "-t", "8", "-i", running_box.srt_url, "-c", "copy", "-f", "mpegts", "-")
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as receiver:
        time.sleep(2)
        running_box.fault("no_signal", 2)
        ts, _ = receiver.communicate(timeout=60)
    seis = _seis(ts)
    lives = [one.live for one in seis]
    assert [live for live, _ in itertools.groupby(lives)] == [True, False, True], "live, slate, live"
    assert all(after.seq == before.seq + 1 for before, after in itertools.pairwise(seis))


def test_strip_and_sei_agree_within_a_frame(running_box: RunningBox) -> None:
    argv = (sys.executable, "-m", "edge", "latency", running_box.srt_url, "--seconds", "4", "--json")
    ended = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=True)
    found = json.loads(ended.stdout)
    assert found["pictures"] > 30
    assert found["strip_minus_sei_ms"]["count"] > 30
    difference = found["strip_minus_sei_ms"]
    assert -33.4 <= difference["min"] <= difference["max"] <= 33.4
