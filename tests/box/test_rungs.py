"""The rungs `archive` and `view` beside `main`."""

from __future__ import annotations

import json
import socket
import subprocess
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.running_box import RunningBox, free_port
from tests.srt_peers import Collector, program

_SETS = (
    "source.sim.width=640",
    "source.sim.height=480",
    "source.sim.fps=30",
    "archive.codec=h265",
    "encoder.bitrate_bps=2000000",
    "archive.bitrate_bps=4000000",
)


@pytest.fixture(scope="module")
def box() -> Iterator[RunningBox]:
    with tempfile.TemporaryDirectory(prefix="box-", dir="/tmp") as folder, RunningBox(Path(folder), *_SETS) as box:
        box.wait_live()
        yield box


def _rung(box: RunningBox, name: str) -> Any:
    return next(rung for rung in box.status()["encoder"]["rungs"] if rung["name"] == name)


def _output(box: RunningBox, rung: str) -> str:
    """A new SRT listener for that rung; its address."""
    url = f"srt://127.0.0.1:{free_port(socket.SOCK_DGRAM)}"
    code, answer = box.command("sink.set", sink=rung, url=f"{url}?mode=listener", rung=rung)
    assert code == 200, answer
    return url


def _probed(url: str) -> Any:
    argv = [program("ffprobe"), "-v", "error", "-show_streams", "-of", "json", f"{url}?mode=caller&transtype=live"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=40, check=True)
    return json.loads(done.stdout)["streams"][0]


def test_nothing_is_encoded_for_nobody(box: RunningBox) -> None:
    assert [rung["name"] for rung in box.status()["encoder"]["rungs"]] == ["main", "archive", "view"]
    for name in ("archive", "view"):
        assert (_rung(box, name)["units"], _rung(box, name)["encoder"]) == (0, "")


@pytest.mark.peer
def test_archive_is_the_whole_picture_in_its_own_codec_and_stops_with_its_receiver(box: RunningBox) -> None:
    stream = _probed(_output(box, "archive"))
    assert (stream["codec_name"], stream["width"], stream["height"]) == ("hevc", 640, 480)
    assert stream["avg_frame_rate"] == "30/1"
    archive = _rung(box, "archive")
    assert (archive["codec"], archive["shares"], archive["target_bps"]) == ("h265", "", 4_000_000)
    box.wait_until(lambda: _rung(box, "archive")["encoder"] == "", what="its encoder is let go")


@pytest.mark.peer
def test_view_has_half_the_sides_and_half_the_frames(box: RunningBox) -> None:
    stream = _probed(_output(box, "view"))
    assert (stream["codec_name"], stream["width"], stream["height"]) == ("h264", 320, 240)
    assert stream["avg_frame_rate"] == "15/1"


def test_archive_does_not_follow_what_the_uplink_forces_on_main(box: RunningBox) -> None:
    box.command("encoder.set", rung="main", bitrate=500_000)
    box.wait_until(lambda: _rung(box, "main")["target_bps"] == 500_000, what="main follows")
    assert _rung(box, "archive")["target_bps"] == 4_000_000


@pytest.mark.peer
def test_a_board_that_cannot_afford_the_archive_says_so_and_gives_it_the_first_rungs_pictures() -> None:
    dear = ("source.sim.width=1280", "source.sim.height=720", "archive.codec=h265", "archive.speed=medium")
    with tempfile.TemporaryDirectory(prefix="box-", dir="/tmp") as folder, RunningBox(Path(folder), *dear) as box:
        box.wait_live()
        url = _output(box, "archive")
        with Collector(int(url.rpartition(":")[2]), "caller"):
            box.wait_until(
                lambda: "a second encode by x265 needs" in _rung(box, "archive")["shares"],
                what="it says that it shares",
                patience_s=60,
            )
            stream = _probed(url)
            assert (stream["codec_name"], stream["width"]) == ("h264", 1280)
            box.wait_until(
                lambda: (
                    ("second_encode_refused", "archive")
                    in [(issue["code"], issue["subject"]) for issue in box.status()["issues"]]
                ),
                what="an issue says so",
            )
            assert (_rung(box, "archive")["encoder"], _rung(box, "archive")["units"]) == ("", 0)


def test_a_bit_rate_that_does_not_suffice_takes_frames_and_says_so_until_it_suffices_again(
    running_box: RunningBox,
) -> None:
    def issues() -> list[str]:
        return [issue["code"] for issue in running_box.status()["issues"]]

    whole = _rung(running_box, "main")
    assert (whole["step"], whole["degraded"]) == ({"side": 1, "every": 1}, False)
    assert running_box.command("encoder.set", bitrate=250_000)[0] == 200
    running_box.wait_until(lambda: 14 < _rung(running_box, "main")["fps"] < 16, what="half the frames are left out")
    reduced = _rung(running_box, "main")
    assert (reduced["width"], reduced["step"], reduced["degraded"]) == (1280, {"side": 1, "every": 2}, True)
    running_box.wait_until(lambda: "picture_degraded" in issues(), what="an issue says so")
    assert running_box.status()["picture"]["live"] is True
    assert running_box.command("encoder.set", bitrate=2_000_000)[0] == 200
    running_box.wait_until(lambda: _rung(running_box, "main")["fps"] > 28, what="all frames are back")
    running_box.wait_until(lambda: "picture_degraded" not in issues(), what="the issue is over")


def test_a_viewer_is_told_that_browsers_cannot_take_the_archive(box: RunningBox) -> None:
    request = urllib.request.Request(
        box.url + "/whep/archive", b"v=0\r\n", {"Content-Type": "application/sdp"}, method="POST"
    )
    with pytest.raises(urllib.error.HTTPError) as caught, urllib.request.urlopen(request, timeout=10):
        pass
    with caught.value as refused:
        answer = json.load(refused)
    assert answer["code"] == "codec_not_supported"
    assert "there is main, view" in json.dumps(answer)
