from __future__ import annotations

import io
from dataclasses import replace

import av
import numpy as np
import pytest
from PIL import Image

from edge.model.frame import Lease, Plane
from edge.model.video import Colorimetry, Pixel, Range, VideoFormat
from edge.sinks.still import jpeg_of
from tests.fakes import SMALL, FakeClock, make_frame
from tests.raw_bars import PATCHES, bars_frame, patch_means


def _rgb(jpeg: bytes) -> tuple[int, int, int]:
    with av.open(io.BytesIO(jpeg), format="jpeg_pipe") as picture:
        frame = next(picture.decode(video=0))
        middle = frame.to_ndarray(format="rgb24")[24, 32]
    return int(middle[0]), int(middle[1]), int(middle[2])


@pytest.mark.parametrize(
    ("colorimetry", "levels", "y", "cb", "cr", "rgb"),
    [
        (Colorimetry.BT709, Range.LIMITED, 63, 102, 240, (255, 0, 0)),  # red in BT.709: 63 102 240
        (Colorimetry.BT601, Range.LIMITED, 81, 90, 240, (255, 0, 0)),  # red in BT.601: 81 90 240
        (Colorimetry.BT709, Range.LIMITED, 235, 128, 128, (255, 255, 255)),
        (Colorimetry.BT709, Range.FULL, 255, 128, 128, (255, 255, 255)),
        (Colorimetry.BT709, Range.LIMITED, 16, 128, 128, (0, 0, 0)),
    ],
)
def test_colours_are_right_for_every_matrix_and_range(
    colorimetry: Colorimetry, levels: Range, y: int, cb: int, cr: int, rgb: tuple[int, int, int]
) -> None:
    video = replace(SMALL, colorimetry=colorimetry, range=levels)
    frame = make_frame(FakeClock(), video=video, shade=y, chroma=(cb, cr))
    found = _rgb(jpeg_of(frame))
    assert all(abs(a - b) <= 3 for a, b in zip(found, rgb, strict=True)), (found, rgb)


@pytest.mark.parametrize("padding", [0, 6])
@pytest.mark.parametrize("reach", list(Range))
@pytest.mark.parametrize("colorimetry", list(Colorimetry))
@pytest.mark.parametrize("pixel", list(Pixel))
def test_pillow_shows_the_colours_of_every_layout(
    pixel: Pixel, colorimetry: Colorimetry, reach: Range, padding: int
) -> None:
    video = VideoFormat(256, 96, SMALL.fps, pixel, colorimetry, reach)
    shown = np.asarray(Image.open(io.BytesIO(jpeg_of(bars_frame(video, padding=padding)))).convert("RGB"))
    assert shown.shape == (96, 256, 3)
    found = patch_means((shown[..., 0], shown[..., 1], shown[..., 2]), 256, 96)
    assert np.abs(found - np.array(PATCHES) * 255).max() <= 5  # roundings of the source, of the matrix, of JPEG


def test_a_picture_that_the_library_owns_is_taken_with_its_own_layout() -> None:
    native = av.VideoFrame(64, 48, "yuvj422p")
    for plane, value in zip(native.planes, (76, 85, 255), strict=True):  # red in JPEG
        np.frombuffer(memoryview(plane), np.uint8)[:] = value
    video = replace(SMALL, pixel=Pixel.YUV422P, colorimetry=Colorimetry.SYCC, range=Range.FULL)
    planes = tuple(Plane(memoryview(plane), plane.line_size) for plane in native.planes)
    frame = replace(make_frame(FakeClock(), video=video), lease=Lease(planes, native=native))
    assert np.abs(np.subtract(_rgb(jpeg_of(frame)), (255, 0, 0))).max() <= 3
