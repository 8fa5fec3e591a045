from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from board.av.shrink import FrameShrinker
from edge.model.errors import NotSupported
from edge.model.frame import Frame
from edge.model.video import Pixel, Range, Step, VideoFormat
from tests.board.kit import frame_of
from tests.raw_bars import bars_frame, patch_codes, patch_means

VIDEO = VideoFormat(640, 480, Fraction(60))


def _planes(frame: Frame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    found = []
    for index, plane in enumerate(frame.lease.planes):
        width = frame.format.width >> bool(index)
        height = frame.format.height >> bool(index)
        found.append(
            np.frombuffer(plane.memory, np.uint8)[: plane.stride * height].reshape(height, plane.stride)[:, :width]
        )
    return found[0], found[1], found[2]


@pytest.mark.parametrize("pixel", list(Pixel))
def test_colours_stay_what_they_are_in_every_layout(pixel: Pixel) -> None:
    frame = bars_frame(replace(VIDEO, pixel=pixel))
    small = FrameShrinker().shrink(frame, Step(2, 1).of(frame.format))
    assert (small.format.width, small.format.height, small.format.pixel) == (320, 240, Pixel.YUV420P)
    found = patch_means(_planes(small), 320, 240)
    assert np.abs(found - patch_codes(VIDEO)).max() <= 3


def test_full_range_stays_full() -> None:
    video = replace(VIDEO, range=Range.FULL)
    frame = frame_of(np.full(640 * 480 * 3 // 2, 255, np.uint8), video, 0)
    assert _planes(FrameShrinker().shrink(frame, Step(4, 1).of(video)))[0].min() == 255


def test_a_small_pixel_is_the_mean_of_what_it_stands_for() -> None:
    luma = np.indices((480, 640)).sum(axis=0) % 2 * 200 + 20  # single pixels, black and white by turns
    raw = np.concatenate([luma.astype(np.uint8).reshape(-1), np.full(640 * 480 // 2, 128, np.uint8)])
    small = _planes(FrameShrinker().shrink(frame_of(raw, VIDEO, 0), Step(2, 1).of(VIDEO)))[0]
    assert np.abs(small.astype(int) - 120).max() <= 2


def test_everything_else_of_the_frame_stays() -> None:
    frame = bars_frame(VIDEO, 3).marked(live=False, discontinuity=True)
    small = FrameShrinker().shrink(frame, Step(2, 2).of(VIDEO))
    assert (small.seq, small.stamps, small.utc_ns) == (frame.seq, frame.stamps, frame.utc_ns)
    assert (small.live, small.discontinuity) == (False, True)
    frame.lease.release()
    assert small.lease.planes[0].memory.nbytes >= 320 * 240, "it has memory of its own"


def test_one_shrinker_takes_one_format_after_another() -> None:
    shrinker = FrameShrinker()
    for width in (640, 320, 640):
        video = replace(VIDEO, width=width)
        assert shrinker.shrink(bars_frame(video), Step(2, 1).of(video)).format.width == width // 2


def test_odd_sides_are_not_supported() -> None:
    frame = frame_of(np.zeros(641 * 480 * 3 // 2 + 480, np.uint8), replace(VIDEO, width=641), 0)
    with pytest.raises(NotSupported, match="641x480"):
        FrameShrinker().shrink(frame, VIDEO)
