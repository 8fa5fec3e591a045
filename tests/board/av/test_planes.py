from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from board.av.planes import PlaneIntake
from edge.model.errors import Invalid, NotSupported
from edge.model.frame import Frame, Plane
from edge.model.video import Pixel, Range, VideoFormat
from tests.board.kit import Bytes
from tests.raw_bars import bars_frame, patch_codes, patch_means

_VIDEO = VideoFormat(320, 240, Fraction(30))


def as_planar(planes: tuple[Plane, ...], frame: Frame) -> tuple[Bytes, Bytes, Bytes]:
    width, height = frame.format.width, frame.format.height
    rows = [np.frombuffer(plane.memory, np.uint8).reshape(-1, plane.stride) for plane in planes]
    luma = rows[0][:height, :width]
    if len(planes) == 2:
        chroma = rows[1][: height // 2, :width]
        return luma, chroma[:, ::2], chroma[:, 1::2]
    return luma, rows[1][: height // 2, : width // 2], rows[2][: height // 2, : width // 2]


@pytest.mark.parametrize("reach", list(Range))
@pytest.mark.parametrize("wanted", [Pixel.YUV420P, Pixel.NV12])
@pytest.mark.parametrize("given", list(Pixel))
def test_every_layout_comes_out_in_the_wanted_one_with_its_colours(given: Pixel, wanted: Pixel, reach: Range) -> None:
    video = replace(_VIDEO, pixel=given, range=reach)
    frame = bars_frame(video)
    planes = PlaneIntake(video, wanted)(frame)
    assert len(planes) == (2 if wanted is Pixel.NV12 else 3)
    found = patch_means(as_planar(planes, frame), video.width, video.height)
    assert np.abs(found - patch_codes(video.coded)).max() <= 2


def test_what_is_in_the_wanted_layout_is_not_copied() -> None:
    frame = bars_frame(replace(_VIDEO, pixel=Pixel.NV12))
    assert PlaneIntake(frame.format, Pixel.NV12)(frame) is frame.lease.planes


def test_other_layouts_and_odd_sizes_are_refused() -> None:
    with pytest.raises(Invalid, match="uyvy422 is not made of others"):
        PlaneIntake(_VIDEO, Pixel.UYVY422)
    with pytest.raises(NotSupported, match="321x240"):
        PlaneIntake(replace(_VIDEO, width=321), Pixel.NV12)
