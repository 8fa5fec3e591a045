from __future__ import annotations

import io
from dataclasses import replace

import av
import pytest

from edge.model.errors import NotSupported
from edge.model.video import Colorimetry, Pixel, Range
from edge.sinks.still import jpeg_of
from tests.fakes import SMALL, FakeClock, make_frame


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


def test_other_layouts_are_refused_by_name() -> None:
    frame = make_frame(FakeClock(), video=replace(SMALL, pixel=Pixel.UYVY422))
    with pytest.raises(NotSupported, match="uyvy422"):
        jpeg_of(frame)
