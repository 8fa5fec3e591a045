"""The capture source on a USB dongle: MJPEG and raw, damaged pictures, pulled while streaming."""

from __future__ import annotations

import pytest

from board.v4l2.inventory import inventory
from board.v4l2.kernel import LinuxKernel
from board.v4l2.profile import read_profiles
from edge.model.errors import Unavailable
from edge.model.picture import CaptureMode
from edge.model.video import Colorimetry, Pixel, Range
from tests.vm import lab
from tests.vm.capture_kit import capture, frame_of, opened
from tests.vm.pictures import moving_grey, torn
from tests.vm.usb_dongle import Dongle

SMALL = (CaptureMode(640, 480, 15),)


def test_mjpeg_is_decoded_and_full_range(dongle: Dongle) -> None:
    with opened(capture(wanted="uvcvideo", kinds=("MJPG",), modes=SMALL)) as source:
        frame = frame_of(source)
        assert (frame.format.width, frame.format.height) == (640, 480)
        assert frame.format.pixel in (Pixel.YUV420P, Pixel.YUV422P)
        assert (frame.format.colorimetry, frame.format.range) == (Colorimetry.SYCC, Range.FULL)
        frame.lease.release()


def test_raw_video_is_lent_as_it_lies(dongle: Dongle) -> None:
    with opened(capture(wanted="uvcvideo", kinds=("YUYV",), modes=SMALL)) as source:
        frame = frame_of(source)
        assert frame.format.pixel is Pixel.YUYV422
        assert len(frame.lease.planes[0].memory) == 640 * 480 * 2
        frame.lease.release()


def test_corrupt_jpeg_is_counted_and_the_next_sound_one_shown(dongle: Dongle) -> None:
    with opened(capture(wanted="uvcvideo", kinds=("MJPG",), modes=SMALL)) as source:
        frame_of(source).lease.release()
        dongle.show(torn)
        for _ in range(20):
            taken = source.read(0.2)
            if hasattr(taken, "lease"):
                taken.lease.release()
            if source.detail()["corrupt_frames"] >= 2:
                break
        assert source.detail()["corrupt_frames"] >= 2
        dongle.show(moving_grey)
        frame_of(source).lease.release()


def test_pulled_while_streaming_is_unavailable_and_comes_back_when_plugged(dongle: Dongle) -> None:
    source = capture(wanted="uvcvideo", kinds=("YUYV",), modes=SMALL)
    source.open()
    held = frame_of(source)
    dongle.pull()
    with pytest.raises(Unavailable):
        frame_of(source)
    source.close()
    assert len(bytes(held.lease.planes[0].memory)) == 640 * 480 * 2  # still readable
    held.lease.release()
    dongle.plug()
    lab.dongle_node()
    source.open()
    frame_of(source, reopen=True).lease.release()
    source.close()


def test_devices_shows_the_dongle_with_what_it_cannot_tell(dongle: Dongle) -> None:
    found = [device for device in inventory(LinuxKernel(), read_profiles()) if device.card]
    usable = [device for device in found if not device.why_not and device.card.driver == "uvcvideo"]
    assert len(usable) == 1
    assert {"MJPG", "YUYV"} <= set(usable[0].formats)
    assert "dongle" in usable[0].hint
