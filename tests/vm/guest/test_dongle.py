"""The dongle is a USB camera to the kernel and to programs that are not ours: v4l2-ctl and ffmpeg."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.vm import lab
from tests.vm.pictures import grey_jpeg, grey_level, grey_yuyv, moving_grey, nothing, scrambled, torn
from tests.vm.usb_dongle import MODES, Content, Dongle
from tests.vm.uvc_descriptors import Mode

FRAMES = 3
SMALL = MODES[0]
RAW_SMALL = Mode("YUYV", 640, 480)


def command(mode: Mode, to: Path | str, frames: int = FRAMES) -> list[str]:
    size = f"width={mode.width},height={mode.height},pixelformat={mode.format}"
    return [
        *("v4l2-ctl", "-d", lab.dongle_node(), f"--set-fmt-video={size}"),
        *("--stream-mmap=4", f"--stream-count={frames}", f"--stream-to={to}"),
    ]


def captured(mode: Mode, folder: Path) -> bytes:
    """What v4l2-ctl gets, one frame behind the other."""
    done = subprocess.run(command(mode, folder / "frames"), capture_output=True, text=True, timeout=90, check=False)
    assert done.returncode == 0, done.stderr
    return (folder / "frames").read_bytes()


def gets_frames(mode: Mode, *, within_s: float) -> bool:
    try:
        subprocess.run(command(mode, "/dev/null"), capture_output=True, timeout=within_s, check=True)
    except subprocess.TimeoutExpired:
        return False
    return True


def in_turn(pictures: Sequence[bytes]) -> list[bytes]:
    """Three successive frames, from whichever the capture began with."""
    return [b"".join(pictures[(first + step) % 3] for step in range(FRAMES)) for first in range(3)]


def test_every_mode_is_offered(dongle: Dongle) -> None:
    listing = ["v4l2-ctl", "-d", lab.dongle_node(), "--list-formats-ext"]
    text = subprocess.run(listing, capture_output=True, text=True, check=True).stdout
    offered, form = set(), ""
    for line in text.splitlines():
        if "'" in line:
            form = line.split("'")[1]
        if "Size: Discrete" in line:
            width, height = line.split()[-1].split("x")
            offered.add(Mode(form, int(width), int(height)))
    assert offered == set(MODES)
    assert text.count("(30.000 fps)") == len(MODES)


@pytest.mark.parametrize("mode", [mode for mode in MODES if mode.format == "MJPG"], ids=str)
def test_jpegs_arrive_byte_for_byte(dongle: Dongle, mode: Mode, tmp_path: Path) -> None:
    pictures = [grey_jpeg(mode.width, mode.height, grey_level(number)) for number in range(3)]
    assert captured(mode, tmp_path) in in_turn(pictures)
    assert dongle.mode == mode


@pytest.mark.parametrize("mode", [mode for mode in MODES if mode.format == "YUYV"], ids=str)
def test_raw_pictures_arrive_byte_for_byte(dongle: Dongle, mode: Mode, tmp_path: Path) -> None:
    pictures = [grey_yuyv(mode, grey_level(number)) for number in range(3)]
    assert captured(mode, tmp_path) in in_turn(pictures)
    assert dongle.mode == mode


def test_ffmpeg_decodes_what_the_dongle_shows(dongle: Dongle) -> None:
    dongle.show(lambda mode, _number: grey_jpeg(mode.width, mode.height, 100))
    source = ["-f", "v4l2", "-input_format", "mjpeg", "-video_size", "640x480", "-i", lab.dongle_node()]
    sink = ["-frames:v", "2", "-f", "rawvideo", "-pix_fmt", "yuvj422p", "-"]
    got = subprocess.run(["ffmpeg", "-v", "error", *source, *sink], capture_output=True, timeout=100, check=True).stdout
    luma = got[: 640 * 480]
    assert len(got) == 2 * 640 * 480 * 2
    assert abs(min(luma) - 100) <= 1
    assert abs(max(luma) - 100) <= 1


@pytest.mark.parametrize("content", [torn, scrambled])
def test_broken_jpegs_arrive_as_they_are(dongle: Dongle, content: Content, tmp_path: Path) -> None:
    dongle.show(content)
    assert captured(SMALL, tmp_path) in in_turn([content(SMALL, number) for number in range(3)])


def test_short_raw_frames_are_kept_back_by_the_driver(dongle: Dongle) -> None:
    dongle.show(torn)
    assert not gets_frames(RAW_SMALL, within_s=8)
    assert dongle.frames_sent > 0
    dongle.show(moving_grey)
    assert gets_frames(RAW_SMALL, within_s=90)


def test_frames_with_the_error_bit_are_kept_back_by_the_driver(dongle: Dongle) -> None:
    dongle.flag_errors(True)
    assert not gets_frames(SMALL, within_s=8)
    assert dongle.frames_sent > 0


def test_hung_dongle_stays_on_the_bus_without_frames(dongle: Dongle) -> None:
    dongle.show(nothing)
    assert not gets_frames(SMALL, within_s=8)
    assert lab.dongle_node()


def test_pulled_while_streaming_it_goes_and_comes_back(dongle: Dongle, tmp_path: Path) -> None:
    with subprocess.Popen(command(SMALL, "/dev/null", frames=100_000), stderr=subprocess.PIPE) as capture:
        lab.until("frames", lambda: dongle.frames_sent > 2)
        dongle.pull()
        _, said = capture.communicate(timeout=60)
    assert b"VIDIOC_DQBUF: failed" in said  # v4l2-ctl ends with success all the same
    lab.until("the node to go", lab.dongle_gone)
    dongle.plug()
    assert len(captured(SMALL, tmp_path)) > 1000


def test_plugged_in_twice_is_refused(dongle: Dongle) -> None:
    with pytest.raises(RuntimeError, match="plugged in already"):
        dongle.plug()
