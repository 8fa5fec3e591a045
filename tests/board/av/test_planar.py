"""Every layout comes out as yuv420p planes with its colours."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from board.av.planes import PlaneIntake
from edge.model.errors import NotSupported
from edge.model.video import Pixel, Range, VideoFormat
from tests.board.kit import frame_of
from tests.raw_bars import bars_frame, patch_codes, patch_means

_VIDEO = VideoFormat(320, 240, Fraction(30))


@pytest.mark.parametrize("pixel", list(Pixel))
def test_planes_hold_the_colours_of_the_picture(pixel: Pixel) -> None:
    frame = bars_frame(replace(_VIDEO, pixel=pixel), padding=64)
    planes = PlaneIntake(frame.format)(frame)
    flat = [np.frombuffer(one.memory, np.uint8).reshape(-1, one.stride) for one in planes]
    cut = tuple(rows[: 240 // down, : 320 // down] for rows, down in zip(flat, (1, 2, 2), strict=True))
    found = patch_means(cut, _VIDEO.width, _VIDEO.height)
    assert np.abs(found - patch_codes(frame.format)).max() <= 2


def test_yuv420p_is_not_copied() -> None:
    picture = np.zeros(_VIDEO.width * _VIDEO.height * 3 // 2, np.uint8)
    luma = PlaneIntake(_VIDEO)(frame_of(picture, _VIDEO, 0))[0]
    picture[0] = 77
    assert luma.memory[0] == 77


def test_odd_size_is_not_supported() -> None:
    with pytest.raises(NotSupported, match="321x240"):
        PlaneIntake(replace(_VIDEO, width=321, range=Range.FULL))
