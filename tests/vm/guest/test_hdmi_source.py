"""The capture source on a real HDMI driver: every signal state, every mode, every fault that vivid can make."""

from __future__ import annotations

import mmap
import os

import numpy as np
import pytest

from board.edid.agreement import agrees
from board.edid.build import build
from board.edid.limits import lock
from board.edid.modes import mode
from board.edid.presets import preset
from board.v4l2.buffers import DriverBuffer
from board.v4l2.edid_memory import read_edid, write_edid
from board.v4l2.kernel import LinuxKernel
from board.v4l2.node import Node
from edge.model.errors import Unavailable
from edge.model.signal import SignalState
from edge.model.video import Colorimetry, Pixel, Range
from tests.vm import lab
from tests.vm.capture_kit import capture, frame_of, opened, signal_of, size_of

MODE, TIMINGS, DROPPED = "DV Timings Signal Mode", "DV Timings", "Percentage of Dropped Buffers"
CURRENT, NO_SIGNAL, SELECTED = "Current DV Timings", "No Signal", "Selected DV Timings"
STATES = {
    "No Lock": (SignalState.NO_LOCK, "cannot lock on to it"),
    "Out of Range": (SignalState.OUT_OF_RANGE, "cannot take this mode"),
    NO_SIGNAL: (SignalState.NO_CABLE, "no 5 V"),  # vivid takes its +5 V away too
}


@pytest.mark.parametrize("entry", STATES)
def test_each_state_of_the_signal_is_told_and_comes_to_an_end(hdmi: lab.Vivid, entry: str) -> None:
    state, words = STATES[entry]
    with opened(capture()) as source:
        before = frame_of(source)
        hdmi.set_control(MODE, entry)
        signal = signal_of(source, state)
        assert words in signal.detail
        hdmi.set_control(MODE, CURRENT)
        after = frame_of(source)
        assert after.discontinuity
        assert after.seq > before.seq
        assert source.signal().state is SignalState.LOCKED
        before.lease.release()  # of buffers that the driver has long given up
        after.lease.release()


def test_noise_without_a_signal_is_never_handed_out(hdmi: lab.Vivid) -> None:
    with opened(capture()) as source:
        frame_of(source).lease.release()
        hdmi.set_control(MODE, "No Lock")
        signal_of(source, SignalState.NO_LOCK)
        for _ in range(10):
            assert source.read(0.1) == source.signal()


def test_frames_that_stop_without_a_word_are_noticed_and_come_back(hdmi: lab.Vivid) -> None:
    """As CSI bridges do it: no error, no event, no frames."""
    with opened(capture()) as source:
        frame_of(source).lease.release()
        hdmi.set_control(DROPPED, 100)
        signal = signal_of(source, SignalState.NO_LOCK)
        assert "delivers no pictures" in signal.detail
        assert source.detail()["recovery"]
        hdmi.set_control(DROPPED, 0)
        frame_of(source).lease.release()
        assert source.signal().state is SignalState.LOCKED


def test_signal_that_goes_while_frames_stop_is_told(hdmi: lab.Vivid) -> None:
    with opened(capture()) as source:
        frame_of(source).lease.release()
        hdmi.set_control(DROPPED, 100)
        hdmi.set_control(MODE, NO_SIGNAL)
        signal_of(source, SignalState.NO_CABLE)
        hdmi.set_control(DROPPED, 0)
        hdmi.set_control(MODE, CURRENT)
        frame_of(source).lease.release()


def test_another_mode_of_the_signal_is_another_format(hdmi: lab.Vivid) -> None:
    entries = hdmi.menu(TIMINGS)
    with opened(capture()) as source:
        assert size_of(source) == (1280, 720)
        hdmi.set_control(TIMINGS, next(entry for entry in entries if entry.startswith("640x480p59")))
        hdmi.set_control(MODE, SELECTED)
        signal_or_frame = frame_of(source)
        while (signal_or_frame.format.width, signal_or_frame.format.height) != (640, 480):
            signal_or_frame.lease.release()
            signal_or_frame = frame_of(source)
        assert signal_or_frame.discontinuity
        signal_or_frame.lease.release()


@pytest.mark.timeout(900)
def test_each_mode_of_the_driver_is_shown_or_refused_with_the_reason(hdmi: lab.Vivid) -> None:
    entries = [entry for entry in hdmi.menu(TIMINGS) if entry]
    refused: dict[str, str] = {}
    shown = 0
    for entry in entries:
        hdmi.set_control(TIMINGS, entry)
        hdmi.set_control(MODE, SELECTED)
        with opened(capture()) as source:
            taken = source.read(2.0)
            while taken is None or (taken == source.signal() and source.signal().state is SignalState.NO_DEVICE):
                taken = source.read(2.0)
            wanted = tuple(int(side) for side in entry.split("p")[0].split("i")[0].split("x"))
            state = source.signal().state
            if state is SignalState.OUT_OF_RANGE:
                refused[entry] = source.signal().detail
            else:
                frame = taken if hasattr(taken, "lease") else frame_of(source)
                assert (frame.format.width, frame.format.height) == (wanted[0] & ~1, wanted[1] & ~1), entry
                frame.lease.release()
                shown += 1
    assert shown + len(refused) == len(entries) >= 100
    assert shown >= 100
    assert all("MHz" in reason or "too" in reason for reason in refused.values()), refused


@pytest.mark.parametrize("pixel_format", ["UYVY", "NV12"])
def test_interlaced_signal_comes_out_progressive(hdmi: lab.Vivid, pixel_format: str) -> None:
    entry = next(entry for entry in hdmi.menu(TIMINGS) if entry.startswith("1920x1080i25"))
    hdmi.set_control(TIMINGS, entry)
    hdmi.set_control(MODE, SELECTED)
    with opened(capture(kinds=(pixel_format,))) as source:
        frame = frame_of(source)
        assert (frame.format.width, frame.format.height, frame.format.fps) == (1920, 1080, 25)
        assert source.detail()["interlaced"] is True
        frame.lease.release()


@pytest.mark.parametrize(
    "fault",
    [
        "Inject V4L2_BUF_FLAG_ERROR",
        "Inject VIDIOC_REQBUFS Error",
        "Inject VIDIOC_QBUF Error",
        "Inject VIDIOC_STREAMON Error",
        "Inject Fatal Streaming Error",
        "Disconnect",
    ],
)
def test_fault_of_the_driver_is_survived(hdmi: lab.Vivid, fault: str) -> None:
    with opened(capture()) as source:
        frame_of(source).lease.release()
        hdmi.set_control(fault)
        if "VIDIOC" in fault:
            hdmi.set_control(MODE, "No Lock")  # so that it starts anew and meets the fault
            signal_of(source, SignalState.NO_LOCK)
            hdmi.set_control(MODE, CURRENT)
        for _ in range(3):
            frame_of(source, reopen=True).lease.release()


def test_a_device_that_has_gone_is_unavailable_until_it_is_back() -> None:
    with lab.vivid() as device:
        source = capture()
        source.open()
        frame_of(source).lease.release()
        device.set_control("Disconnect")
        with pytest.raises(Unavailable):
            frame_of(source)
        source.close()
    with pytest.raises(Unavailable, match="no capture device 'vivid'; there is none"):
        source.open()
    with lab.vivid():
        source.open()
        frame_of(source).lease.release()
        source.close()


def test_edid_is_written_at_the_start_and_reads_back(hdmi: lab.Vivid) -> None:
    wanted = build(lock(preset("2-lane"), mode("1080p50")))
    with opened(capture(edid_for=lambda profile: wanted)) as source:
        assert source.detail()["edid"] == "written"
    with Node(hdmi.node_path, kernel=LinuxKernel()) as node:
        assert agrees(read_edid(node, 0), wanted)  # vivid puts a CEC address in
    with opened(capture(edid_for=lambda profile: wanted)) as source:
        assert source.detail()["edid"] == "as wanted"


def test_an_edid_while_it_streams_is_the_drivers_to_refuse(hdmi: lab.Vivid) -> None:
    with opened(capture()) as source:
        frame_of(source).lease.release()
        with Node(hdmi.node_path, kernel=LinuxKernel()) as node, pytest.raises(OSError, match="busy"):
            write_edid(node, 0, build(preset("4-lane")))
        frame_of(source).lease.release()


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("SMPTE 170M", (Colorimetry.BT601, Range.LIMITED)),
        ("Rec. 709", (Colorimetry.BT709, Range.LIMITED)),
        ("sRGB", (Colorimetry.SYCC, Range.LIMITED)),
        ("BT.2020", (Colorimetry.BT2020, Range.LIMITED)),
    ],
)
def test_colours_are_those_of_the_driver(hdmi: lab.Vivid, entry: str, expected: tuple[Colorimetry, Range]) -> None:
    hdmi.set_control("Colorspace", entry)
    with opened(capture(kinds=("UYVY",))) as source:
        frame = frame_of(source)
        assert (frame.format.colorimetry, frame.format.range) == expected
        frame.lease.release()


@pytest.mark.parametrize("multiplanar", [1, 2])
@pytest.mark.parametrize(
    ("code", "pixel"),
    [
        ("YUYV", Pixel.YUYV422),
        ("NV12", Pixel.NV12),
        ("YU12", Pixel.YUV420P),
        ("NV16", Pixel.NV16),
        ("BGR3", Pixel.BGR24),
    ],
)
def test_each_raw_format_has_its_planes(multiplanar: int, code: str, pixel: Pixel) -> None:
    with lab.vivid(multiplanar=multiplanar), opened(capture(kinds=(code,))) as source:
        frame = frame_of(source)
        assert frame.format.pixel is pixel
        assert _brightest(frame.lease.planes[0].memory) >= 170  # the first bar is 75 % white
        frame.lease.release()


@pytest.mark.parametrize("code", ["NM12", "YM12", "NM16"])
def test_planes_may_lie_in_several_buffers(code: str) -> None:
    with lab.vivid(multiplanar=2), opened(capture(kinds=(code,))) as source:
        frame = frame_of(source)
        assert len(frame.lease.planes) == (3 if code == "YM12" else 2)
        frame.lease.release()


def test_exported_buffer_holds_the_picture(hdmi: lab.Vivid) -> None:
    with opened(capture(kinds=("UYVY",))) as source:
        frame = frame_of(source)
        assert isinstance(frame.lease.native, DriverBuffer)
        (fd,) = frame.lease.native.export()
        try:
            shared = mmap.mmap(fd, len(frame.lease.planes[0].memory), prot=mmap.PROT_READ)
            assert shared[:] == bytes(frame.lease.planes[0].memory)
        finally:
            os.close(fd)
            frame.lease.release()


def _brightest(memory: memoryview) -> int:
    return int(np.frombuffer(memory, np.uint8).max())
