"""GStreamer's own receivers: srtsrc for SRT, webrtcbin as a WHEP viewer."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import av
import pytest

from edge.model import sei
from edge.model.video import Codec
from tests.running_box import RunningBox

pytestmark = [pytest.mark.peer, pytest.mark.timeout(120)]

_REPOSITORY = Path(__file__).parents[2]
_VIEWER = "tests.peers.webrtcbin_viewer"


def _numbers(file: Path) -> list[int]:
    """Of the access units in that H.264 file, decoded without an error from the first on, as the time SEI has them."""
    decoded = subprocess.run(
        ["ffmpeg", "-v", "error", "-i", str(file), "-f", "null", "-"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert decoded.stderr == ""
    with av.open(str(file), format="h264") as stream:
        found = [sei.find(Codec.H264, bytes(packet)) for packet in stream.demux(video=0) if packet.size]
    return [one.seq for one in found[:-1] if one is not None]  # the last one may be cut short


def test_srtsrc_takes_every_access_unit(running_box: RunningBox, tmp_path: Path) -> None:
    file = tmp_path / "srt.h264"
    chain = "tsdemux ! h264parse ! video/x-h264,stream-format=byte-stream,alignment=au"
    words = f"gst-launch-1.0 -q -e srtsrc uri={running_box.srt_url} ! {chain} ! filesink location={file}".split()
    with subprocess.Popen(words) as receiver:
        running_box.wait_until(lambda: file.exists() and file.stat().st_size > 0, what="srtsrc receives")
        time.sleep(4)
        receiver.send_signal(signal.SIGINT)
        receiver.wait(20)
    numbers = _numbers(file)
    assert len(numbers) > 60
    assert all(after == before + 1 for before, after in pairwise(numbers))


def test_webrtcbin_shows_every_access_unit(running_box: RunningBox, tmp_path: Path) -> None:
    file = tmp_path / "whep.h264"
    url = f"{running_box.url}/whep/main?role=observer"
    ended = subprocess.run(
        [sys.executable, "-m", _VIEWER, url, file, "4"], cwd=_REPOSITORY, capture_output=True, timeout=90, check=False
    )
    assert ended.returncode == 0, ended.stderr[-2000:]
    numbers = _numbers(file)
    assert len(numbers) > 60
    assert all(after == before + 1 for before, after in pairwise(numbers))
