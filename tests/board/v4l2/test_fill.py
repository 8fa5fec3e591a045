"""Pictures copied into an encoder's buffer keep their colours, and nothing is written beside them."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from board.v4l2.fill import DIRECT, fill
from board.v4l2.layout import KINDS, Layout
from edge.model.errors import Fault
from edge.model.frame import Plane
from edge.model.video import Pixel, VideoFormat
from tests.raw_bars import bars_frame

VIDEO = VideoFormat(320, 240, Fraction(30))
CODES = {Pixel.UYVY422: "UYVY", Pixel.YUYV422: "YUYV", Pixel.NV12: "NV12", Pixel.YUV420P: "YU12"}


def filled(pixel: Pixel, given: Pixel, *, padding: int = 0) -> list[np.ndarray[tuple[int, ...], np.dtype[np.uint8]]]:
    """The planes' rows, in a buffer for 336x256 whose bytes were 7 before."""
    stride = 336 * pixel.pixel_bytes
    layout = Layout(KINDS[CODES[pixel]], 336, 256, (stride,), (1 << 20,))
    memory = memoryview(bytearray(b"\x07" * (1 << 20)))
    planes = layout.planes([memory])
    fill(planes, pixel, bars_frame(replace(VIDEO, pixel=given), padding=padding).lease.planes, given, (320, 240))
    return [np.frombuffer(plane.memory, np.uint8).reshape(-1, plane.stride) for plane in planes]


def rows_of(pixel: Pixel) -> list[np.ndarray[tuple[int, ...], np.dtype[np.uint8]]]:
    planes = bars_frame(replace(VIDEO, pixel=pixel)).lease.planes
    return [np.frombuffer(plane.memory, np.uint8).reshape(-1, plane.stride) for plane in planes]


@pytest.mark.parametrize("padding", [0, 48])
@pytest.mark.parametrize("pixel", DIRECT)
def test_same_layout_is_copied_row_by_row(pixel: Pixel, padding: int) -> None:
    for found, wanted in zip(filled(pixel, pixel, padding=padding), rows_of(pixel), strict=True):
        rows, row_bytes = wanted.shape
        assert np.array_equal(found[:rows, :row_bytes], wanted)
        assert (found[rows:] == 7).all()
        assert (found[:, row_bytes:] == 7).all()


@pytest.mark.parametrize("pixel", DIRECT)
def test_yuv420p_goes_into_every_layout(pixel: Pixel) -> None:
    for found, wanted in zip(filled(pixel, Pixel.YUV420P), rows_of(pixel), strict=True):
        rows, row_bytes = wanted.shape
        difference = found[:rows, :row_bytes].astype(np.int16) - wanted
        assert np.abs(difference).max() <= 1 or pixel in (Pixel.UYVY422, Pixel.YUYV422)
        assert np.abs(difference).mean() < 0.5


def test_cropped_picture_whose_last_row_is_short_is_taken() -> None:
    memory = memoryview(bytes(640 * 239 + 320))
    into = [Plane(memoryview(bytearray(320 * 240)), 320), *(Plane(memoryview(bytearray(160 * 120)), 160),) * 2]
    chroma = Plane(memoryview(bytes(160 * 120)), 160)
    fill(into, Pixel.YUV420P, [Plane(memory, 640), chroma, chroma], Pixel.YUV420P, (320, 240))


@pytest.mark.parametrize(("pixel", "given"), [(Pixel.NV12, Pixel.UYVY422), (Pixel.RGB24, Pixel.RGB24)])
def test_what_nobody_converts_is_a_fault(pixel: Pixel, given: Pixel) -> None:
    planes = bars_frame(replace(VIDEO, pixel=given)).lease.planes
    with pytest.raises(Fault):
        fill(
            planes if pixel is given else bars_frame(replace(VIDEO, pixel=pixel)).lease.planes,
            pixel,
            planes,
            given,
            (320, 240),
        )


def test_plane_that_is_too_small_is_a_fault() -> None:
    planes = bars_frame(replace(VIDEO, pixel=Pixel.UYVY422)).lease.planes
    short = [Plane(planes[0].memory[:-1], planes[0].stride)]
    with pytest.raises(Fault, match="240 rows of 640, 640 apart"):
        fill(planes, Pixel.UYVY422, short, Pixel.UYVY422, (320, 240))
