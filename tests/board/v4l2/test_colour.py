"""The driver's colour fields, by the tables of the V4L2 documentation."""

from __future__ import annotations

import pytest

from board.v4l2.abi.codes import Colorspace, Quantization, YcbcrEnc
from board.v4l2.colour import colours_of
from edge.model.video import Colorimetry, Range

LIMITED, FULL = Range.LIMITED, Range.FULL


@pytest.mark.parametrize(
    ("space", "enc", "quantization", "colorimetry", "reach"),
    [
        (
            Colorspace.SMPTE170M,
            YcbcrEnc.DEFAULT,
            Quantization.DEFAULT,
            Colorimetry.BT601,
            LIMITED,
        ),  # the TC358743, also at 1080 lines
        (Colorspace.REC709, YcbcrEnc.DEFAULT, Quantization.DEFAULT, Colorimetry.BT709, LIMITED),
        (Colorspace.REC709, YcbcrEnc.BT601, Quantization.DEFAULT, Colorimetry.SYCC, LIMITED),
        (Colorspace.REC709, YcbcrEnc.XV709, Quantization.FULL, Colorimetry.BT709, FULL),
        (Colorspace.SRGB, YcbcrEnc.DEFAULT, Quantization.DEFAULT, Colorimetry.SYCC, LIMITED),
        (Colorspace.SRGB, YcbcrEnc.BT709, Quantization.DEFAULT, Colorimetry.BT709, LIMITED),
        (Colorspace.JPEG, YcbcrEnc.DEFAULT, Quantization.DEFAULT, Colorimetry.SYCC, FULL),
        (Colorspace.JPEG, YcbcrEnc.DEFAULT, Quantization.LIMITED, Colorimetry.SYCC, LIMITED),
        (Colorspace.BT2020, YcbcrEnc.DEFAULT, Quantization.DEFAULT, Colorimetry.BT2020, LIMITED),
        (Colorspace.BT2020, YcbcrEnc.BT2020_CONST, Quantization.DEFAULT, Colorimetry.BT2020, LIMITED),
        (Colorspace.SMPTE240M, YcbcrEnc.DEFAULT, Quantization.DEFAULT, Colorimetry.BT709, LIMITED),
        (Colorspace.BG_470, YcbcrEnc.DEFAULT, Quantization.DEFAULT, Colorimetry.BT601, LIMITED),
        (Colorspace.DCI_P3, YcbcrEnc.DEFAULT, Quantization.DEFAULT, Colorimetry.BT709, LIMITED),
        (99, YcbcrEnc.DEFAULT, Quantization.DEFAULT, Colorimetry.SYCC, LIMITED),
    ],
)
def test_yuv(space: int, enc: int, quantization: int, colorimetry: Colorimetry, reach: Range) -> None:
    assert colours_of(space, enc, quantization, rgb=False, jpeg=False, height=1080) == (colorimetry, reach)


@pytest.mark.parametrize("unsaid", [Colorspace.DEFAULT, Colorspace.RAW])
@pytest.mark.parametrize(("height", "colorimetry"), [(719, Colorimetry.BT601), (720, Colorimetry.BT709)])
def test_a_driver_that_says_nothing_is_judged_by_its_lines(unsaid: int, height: int, colorimetry: Colorimetry) -> None:
    assert colours_of(unsaid, YcbcrEnc.DEFAULT, Quantization.DEFAULT, rgb=False, jpeg=False, height=height) == (
        colorimetry,
        LIMITED,
    )


@pytest.mark.parametrize(
    ("space", "quantization", "colorimetry", "reach"),
    [
        (Colorspace.SRGB, Quantization.DEFAULT, Colorimetry.BT709, FULL),
        (Colorspace.DEFAULT, Quantization.DEFAULT, Colorimetry.BT709, FULL),
        (Colorspace.SRGB, Quantization.LIMITED, Colorimetry.BT709, LIMITED),
        (Colorspace.BT2020, Quantization.DEFAULT, Colorimetry.BT2020, FULL),
    ],
)
def test_rgb_is_full_range_unless_said_otherwise(
    space: int, quantization: int, colorimetry: Colorimetry, reach: Range
) -> None:
    assert colours_of(space, YcbcrEnc.DEFAULT, quantization, rgb=True, jpeg=False, height=480) == (colorimetry, reach)


def test_jpeg_is_what_jfif_says_whatever_the_driver_says() -> None:
    given = colours_of(Colorspace.REC709, YcbcrEnc.BT709, Quantization.LIMITED, rgb=False, jpeg=True, height=1080)
    assert given == (Colorimetry.SYCC, Range.FULL)
