from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edge.media.canvas import ALARM, DARK, WHITE
from edge.media.slate import FrozenBanner, SlatePainter, slate_format
from edge.model.frame import Frame
from edge.model.video import Colorimetry, Pixel, Range, VideoFormat
from tests.board.kit import plane
from tests.fakes import SMALL, BlockPainter
from tests.raw_bars import flat_frame

_COLOURS = [(colorimetry, reach) for colorimetry in Colorimetry for reach in Range]
_BARS = VideoFormat(128, 96, SMALL.fps)


@pytest.mark.parametrize("reach", list(Range))
def test_slate_is_drawn_in_the_colours_of_its_format(reach: Range) -> None:
    video = replace(SMALL, range=reach, colorimetry=Colorimetry.BT601)
    lease = SlatePainter(painter=BlockPainter()).lease(video, "NO SIGNAL", "", "12:00:00 UTC")
    slate = replace(flat_frame(video, (0, 0, 0)), lease=lease)
    alarm, dark = ALARM.coded(Colorimetry.BT601, reach), DARK.coded(Colorimetry.BT601, reach)
    assert [int(plane(slate, index)[0, 0]) for index in range(3)] == [alarm.y, alarm.cb, alarm.cr]
    assert plane(slate, 0)[-1, 0] == dark.y
    assert plane(slate, 0).max() == WHITE.coded(Colorimetry.BT601, reach).y


def test_slate_of_another_range_is_drawn_anew() -> None:
    painter = SlatePainter(painter=BlockPainter())
    whites = []
    for reach in Range:
        lease = painter.lease(replace(SMALL, range=reach), "NO SIGNAL", "", "12:00:00 UTC")
        whites.append(int(np.frombuffer(lease.planes[0].memory, np.uint8).max()))
    assert whites == [235, 255]


@pytest.mark.parametrize("pixel", list(Pixel))
@pytest.mark.parametrize(("colorimetry", "reach"), _COLOURS)
def test_slate_stands_in_for_every_layout_within_its_epoch(
    pixel: Pixel, colorimetry: Colorimetry, reach: Range
) -> None:
    live = replace(SMALL, pixel=pixel, colorimetry=colorimetry, range=reach)
    slate = slate_format(live)
    assert slate.pixel is Pixel.YUV420P
    assert slate.coded == live.coded
    assert slate.range is (Range.LIMITED if pixel.is_rgb else reach)


@pytest.mark.parametrize("pixel", list(Pixel))
@pytest.mark.parametrize("reach", list(Range))
def test_frozen_picture_of_every_layout_gets_the_banner_and_stays_itself(pixel: Pixel, reach: Range) -> None:
    video = replace(_BARS, pixel=pixel, range=reach)
    back: list[int] = []
    given = flat_frame(video, (0.5, 0.5, 0.5), padding=6)
    given.lease._give_back = lambda: back.append(1)
    frozen: Frame = FrozenBanner(painter=BlockPainter()).over(given, since_text="12:00:00 UTC")
    grey = 126 if frozen.format.range is Range.LIMITED else 128
    assert back == [1]
    assert not frozen.live
    assert frozen.format == video.coded
    assert np.abs(plane(frozen, 0)[:80].astype(int) - grey).max() <= 1
    alarm = ALARM.coded(video.colorimetry, frozen.format.range)
    assert [int(plane(frozen, index)[-1, 0]) for index in range(3)] == [alarm.y, alarm.cb, alarm.cr]


def test_frozen_copy_is_made_once_and_another_picture_gets_its_own() -> None:
    banner, video = FrozenBanner(painter=BlockPainter()), replace(SMALL, pixel=Pixel.UYVY422)

    def over(shade: float, since: str = "12:00:00 UTC") -> Frame:
        return banner.over(flat_frame(video, (shade, shade, shade)), since_text=since)

    def address(frame: Frame) -> int:
        return int(np.frombuffer(frame.lease.planes[0].memory, np.uint8).__array_interface__["data"][0])

    first, second = over(0.5), over(0.5)
    assert address(first) == address(second)
    brighter = over(0.7)
    assert plane(brighter, 0)[0, 0] > plane(first, 0)[0, 0]
    later = over(0.7, since="12:00:09 UTC")
    assert address(later) != address(brighter)
