from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edge.media.layout import brightness, first_plane, yuv420p
from edge.model.errors import Fault
from edge.model.frame import Lease, Plane
from edge.model.video import Colorimetry, Pixel, Range, VideoFormat
from tests.fakes import SMALL
from tests.raw_bars import bars_frame, flat_frame, patch_codes, patch_means

_BARS = VideoFormat(128, 96, SMALL.fps)
_COLOURS = [(colorimetry, reach) for colorimetry in Colorimetry for reach in Range]


@pytest.mark.parametrize("pixel", list(Pixel))
@pytest.mark.parametrize(("colorimetry", "reach"), _COLOURS)
def test_yuv420p_of_every_layout_has_the_right_code_values(
    pixel: Pixel, colorimetry: Colorimetry, reach: Range
) -> None:
    video = replace(_BARS, pixel=pixel, colorimetry=colorimetry, range=reach)
    found = patch_means(yuv420p(bars_frame(video, padding=6)), video.width, video.height)
    assert np.abs(found - patch_codes(video)).max() <= 1.1


@pytest.mark.parametrize("pixel", list(Pixel))
def test_brightness_is_that_of_the_right_pixels(pixel: Pixel) -> None:
    video = replace(_BARS, pixel=pixel)
    found = brightness(bars_frame(video, padding=6), every_row=47, every_column=16).astype(int)
    wanted = patch_codes(video)[..., 0]
    if pixel.is_rgb:
        assert found.shape == (3, 8)
        assert found[0].tolist() == [180] * 7 + [235], "the largest component of each bar"
    else:
        assert np.abs(found[[0, 2]] - wanted).max() <= 1


@pytest.mark.parametrize("pixel", list(Pixel))
def test_padding_is_no_part_of_the_picture(pixel: Pixel) -> None:
    video = replace(_BARS, pixel=pixel)
    padded, plain = (first_plane(flat_frame(video, (0.5, 0.5, 0.5), padding=padding)) for padding in (6, 0))
    assert (padded == plain).all()


@pytest.mark.parametrize("pixel", list(Pixel))
def test_a_buffer_too_small_for_its_format_is_a_fault_and_not_read_beyond(pixel: Pixel) -> None:
    whole = flat_frame(replace(_BARS, pixel=pixel), (0.5, 0.5, 0.5))
    short = Lease(tuple(Plane(plane.memory[:-1], plane.stride) for plane in whole.lease.planes))
    with pytest.raises(Fault, match="does not hold"):
        yuv420p(replace(whole, lease=short))
