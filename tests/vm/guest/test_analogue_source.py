"""Webcam, television and S-Video inputs of a real driver."""

from __future__ import annotations

import pytest

from edge.model.picture import CaptureMode
from edge.model.signal import SignalState
from edge.model.video import Colorimetry
from tests.vm import lab
from tests.vm.capture_kit import capture, frame_of, opened, signal_of

KINDS = lab.WEBCAM | lab.TV << 2 | lab.S_VIDEO << 4 | lab.HDMI << 6


@pytest.mark.parametrize("multiplanar", [1, 2])
def test_webcam_gives_the_mode_that_is_wished(multiplanar: int) -> None:
    with (
        lab.vivid(num_inputs=4, input_types=KINDS, multiplanar=multiplanar),
        opened(capture(input_index=0, modes=(CaptureMode(640, 360, 10),))) as source,
    ):
        frame = frame_of(source)
        assert (frame.format.width, frame.format.height, frame.format.fps) == (640, 360, 10)
        frame.lease.release()


@pytest.mark.parametrize("index", [1, 2])
def test_analogue_signal_comes_out_whole_and_progressive(index: int) -> None:
    with lab.vivid(num_inputs=4, input_types=KINDS), opened(capture(input_index=index)) as source:
        frame = frame_of(source)
        assert (frame.format.width, frame.format.height, frame.format.fps) == (720, 576, 25)
        assert frame.format.colorimetry is Colorimetry.BT601
        assert source.detail()["interlaced"] is True
        frame.lease.release()


def test_analogue_signal_that_goes_is_told_and_comes_back() -> None:
    with lab.vivid(num_inputs=4, input_types=KINDS) as device:
        device.select_input(2)
        with opened(capture(input_index=2)) as source:
            frame_of(source).lease.release()
            device.set_control("Standard Signal Mode", "No Signal")
            signal_of(source, SignalState.NO_SIGNAL)
            device.set_control("Standard Signal Mode", "Current Standard")
            frame_of(source).lease.release()
