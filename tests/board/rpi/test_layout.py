"""Formats, planes and colours are what libcamera means by its names."""

from __future__ import annotations

from typing import Any

import pytest

from board.rpi.layout import colours_of, format_of, planes_of
from edge.model.errors import NotSupported
from edge.model.video import Colorimetry, Pixel, Range
from tests.board.rpi.picamera2_double import REC709, SMPTE170M, SYCC, colour_space

REC2020 = colour_space("Rec2020", "Rec709", "Rec2020", "Limited")


def test_rgb_names_are_the_other_way_round() -> None:
    assert format_of(Pixel.BGR24) == "RGB888"
    assert format_of(Pixel.RGB24) == "BGR888"


def test_a_format_that_no_camera_gives_is_refused_with_those_that_it_gives() -> None:
    with pytest.raises(NotSupported, match="yuv420p, nv12, bgr24, rgb24, not uyvy422"):
        format_of(Pixel.UYVY422)


@pytest.mark.parametrize(
    ("pixel", "size", "shapes"),
    [
        (Pixel.YUV420P, 64 * 4 * 3 // 2, [(256, 64), (64, 32), (64, 32)]),
        (Pixel.NV12, 64 * 4 * 3 // 2, [(256, 64), (128, 64)]),
        (Pixel.BGR24, 64 * 4, [(256, 64)]),
    ],
)
def test_planes_lie_one_behind_the_other(pixel: Pixel, size: int, shapes: list[tuple[int, int]]) -> None:
    memory = memoryview(bytes(index % 256 for index in range(size)))
    planes = planes_of(memory, pixel, 4, 64)
    assert [(len(plane.memory), plane.stride) for plane in planes] == shapes
    assert b"".join(plane.memory for plane in planes) == memory.tobytes()


def test_too_small_a_buffer_is_refused() -> None:
    with pytest.raises(NotSupported, match="100 bytes holds no yuv420p of 64x4"):
        planes_of(memoryview(bytes(100)), Pixel.YUV420P, 4, 64)


@pytest.mark.parametrize(
    ("space", "pixel", "height", "colours"),
    [
        (SYCC, Pixel.YUV420P, 1080, (Colorimetry.SYCC, Range.FULL)),
        (SMPTE170M, Pixel.YUV420P, 576, (Colorimetry.BT601, Range.LIMITED)),
        (REC709, Pixel.NV12, 1080, (Colorimetry.BT709, Range.LIMITED)),
        (REC709, Pixel.BGR24, 1080, (Colorimetry.BT709, Range.FULL)),
        (
            colour_space("Rec2020", "Rec709", "Rec2020", "Limited"),
            Pixel.NV12,
            1080,
            (Colorimetry.BT2020, Range.LIMITED),
        ),
        (colour_space("Rec709", "Rec709", "Rec601", "Full"), Pixel.NV12, 480, (Colorimetry.BT601, Range.FULL)),
        (None, Pixel.YUV420P, 1080, (Colorimetry.BT709, Range.LIMITED)),
        (None, Pixel.YUV420P, 480, (Colorimetry.BT601, Range.LIMITED)),
    ],
)
def test_colour_spaces_have_our_names(
    space: Any, pixel: Pixel, height: int, colours: tuple[Colorimetry, Range]
) -> None:
    assert colours_of(space, pixel, height) == colours
