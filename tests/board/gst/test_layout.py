from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from board.gst.layout import check_layout, packed, raw_caps
from board.gst.library import load_gstreamer
from edge.model.errors import Fault, Invalid
from edge.model.frame import Plane
from edge.model.video import Colorimetry, Pixel, Range, VideoFormat

_LAYOUTS = (Pixel.YUV420P, Pixel.NV12, Pixel.UYVY422, Pixel.YUYV422)


def planes_of(pixel: Pixel, width: int, height: int, padding: int) -> list[Plane]:
    """Rows of the numbers 1.. with `padding` bytes of 255 after each but the last."""
    shapes = {
        Pixel.YUV420P: [(width, height), (width // 2, height // 2), (width // 2, height // 2)],
        Pixel.NV12: [(width, height), (width, height // 2)],
    }.get(pixel, [(2 * width, height)])
    planes = []
    for row_bytes, rows in shapes:
        whole = np.full((rows, row_bytes + padding), 255, np.uint8)
        whole[:, :row_bytes] = np.arange(1, rows + 1)[:, None]
        flat = whole.reshape(-1)[: whole.size - padding]
        planes.append(Plane(flat.data, row_bytes + padding))
    return planes


@pytest.mark.parametrize("reach", list(Range))
@pytest.mark.parametrize("colorimetry", list(Colorimetry))
def test_gstreamer_reads_the_caps_as_these_colours(colorimetry: Colorimetry, reach: Range) -> None:
    library = load_gstreamer()
    video = VideoFormat(1920, 1080, Fraction(60000, 1001), colorimetry=colorimetry, range=reach)
    info = library.video.VideoInfo.new_from_caps(library.gst.Caps.from_string(raw_caps(video, Pixel.NV12)))
    found = info.colorimetry
    iso = (
        library.video.VideoColorPrimaries.to_iso(found.primaries),
        library.video.VideoTransferFunction.to_iso(found.transfer),
        library.video.VideoColorMatrix.to_iso(found.matrix),
    )
    wanted = {"bt709": (1, 1, 1), "bt601": (6, 6, 6), "bt2020": (9, 14, 9), "sycc": (1, 13, 6)}
    assert iso == wanted[colorimetry]
    assert found.range.value_nick == ("0-255" if reach is Range.FULL else "16-235")
    assert (info.width, info.height, info.fps_n, info.fps_d) == (1920, 1080, 60000, 1001)
    rewritten = info.to_caps().get_structure(0).get_string("colorimetry")
    assert f"colorimetry={rewritten}" in raw_caps(video, Pixel.NV12)


@pytest.mark.parametrize("padding", [0, 2, 62])
@pytest.mark.parametrize("pixel", _LAYOUTS)
@pytest.mark.parametrize(("width", "height"), [(64, 32), (66, 34)])
def test_rows_lie_where_gstreamer_looks_for_them(pixel: Pixel, width: int, height: int, padding: int) -> None:
    library = load_gstreamer()
    caps = raw_caps(VideoFormat(width, height, Fraction(30)), pixel)
    info = library.video.VideoInfo.new_from_caps(library.gst.Caps.from_string(caps))
    planes = planes_of(pixel, width, height, padding)
    data = np.frombuffer(packed(planes, pixel, width, height), np.uint8)
    assert data.size == info.size
    for index, plane in enumerate(planes):
        rows, row_bytes = (len(plane.memory) + padding) // plane.stride, plane.stride - padding
        for row in range(rows):
            begin = info.offset[index] + row * info.stride[index]
            assert (data[begin : begin + row_bytes] == row + 1).all()


def test_memory_that_is_too_small_is_a_fault() -> None:
    planes = planes_of(Pixel.NV12, 64, 32, 0)
    with pytest.raises(Fault, match="for 33 rows of 64"):
        packed(planes, Pixel.NV12, 64, 33)
    with pytest.raises(Fault, match="3 planes, not 2"):
        packed(planes, Pixel.YUV420P, 64, 32)


def test_layouts_that_gstreamer_is_not_given_are_invalid_by_name() -> None:
    with pytest.raises(Invalid, match="rgb24 is not given to GStreamer; allowed: yuv420p, nv12, uyvy422, yuyv422"):
        check_layout(Pixel.RGB24)
