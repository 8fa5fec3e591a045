from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from edge.model.video import Colorimetry, Pixel, Range, VideoFormat

_HD = VideoFormat(1920, 1080, Fraction(60))


@pytest.mark.parametrize("pixel", list(Pixel))
@pytest.mark.parametrize("reach", list(Range))
def test_coded_format_differs_from_the_raw_one_in_layout_and_in_the_range_of_rgb(pixel: Pixel, reach: Range) -> None:
    video = replace(_HD, pixel=pixel, range=reach, colorimetry=Colorimetry.SYCC)
    wanted = Range.LIMITED if pixel in (Pixel.RGB24, Pixel.BGR24) else reach
    assert video.coded == replace(_HD, colorimetry=Colorimetry.SYCC, range=wanted)


def test_a_coded_format_is_its_own() -> None:
    assert _HD.coded is _HD


@pytest.mark.parametrize(
    ("pixel", "pixel_bytes", "interleaved", "in_every_row"),
    [
        (Pixel.YUV420P, 1, False, False),
        (Pixel.YUV422P, 1, False, True),
        (Pixel.YUV422P10, 2, False, True),
        (Pixel.NV12, 1, True, False),
        (Pixel.NV16, 1, True, True),
        (Pixel.P010, 2, True, False),
        (Pixel.UYVY422, 2, False, True),
        (Pixel.YUYV422, 2, False, True),
    ],
)
def test_layouts_lie_as_ffmpeg_names_them(
    pixel: Pixel, pixel_bytes: int, interleaved: bool, in_every_row: bool
) -> None:
    assert (pixel.pixel_bytes, pixel.interleaved, pixel.chroma_in_every_row) == (pixel_bytes, interleaved, in_every_row)
    assert not pixel.is_rgb
