from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from board.av.nvenc import H264_NVENC
from board.av.x264 import X264
from tests.board.av.wishes import VIDEO, wish


@pytest.mark.parametrize(("fps", "frames"), [(Fraction(60), 90), (Fraction(30000, 1001), 45), (Fraction(1, 2), 1)])
def test_a_gop_is_counted_in_whole_frames_and_never_none(fps: Fraction, frames: int) -> None:
    assert wish(video=replace(VIDEO, fps=fps)).gop_frames == frames


@pytest.mark.parametrize(("vbv_frames", "bits"), [(3.0, 1_000_000), (1.5, 500_000), (0.1, 333_333)])
def test_the_buffer_is_line_time_of_the_ceiling_and_at_least_a_frame(vbv_frames: float, bits: int) -> None:
    assert wish(vbv_frames=vbv_frames).buffer_bits == bits


def test_what_needs_a_machine_is_hardware() -> None:
    assert (X264.hardware, H264_NVENC.hardware) == (False, True)
