from __future__ import annotations

import numpy as np
import pytest

from edge.media.canvas import ALARM, DARK, GREY, WHITE, Canvas, Ink
from edge.model.video import Colorimetry, Range
from tests.fakes import BlockPainter
from tests.raw_bars import rgb_of

_COLOURS = [(colorimetry, reach) for colorimetry in Colorimetry for reach in Range]


def _rgb(ink: Ink, colorimetry: Colorimetry, reach: Range) -> np.ndarray:
    return rgb_of(np.array([ink.y, ink.cb, ink.cr], float), colorimetry, reach)


@pytest.mark.parametrize("ink", [WHITE, GREY, DARK, ALARM])
@pytest.mark.parametrize(("colorimetry", "reach"), _COLOURS)
def test_an_ink_is_the_same_colour_in_every_matrix_and_range(ink: Ink, colorimetry: Colorimetry, reach: Range) -> None:
    wanted = _rgb(ink, Colorimetry.BT709, Range.LIMITED)
    assert np.abs(_rgb(ink.coded(colorimetry, reach), colorimetry, reach) - wanted).max() <= 2.5


def test_white_and_black_reach_the_ends_of_each_range() -> None:
    assert [WHITE.coded(Colorimetry.BT709, reach).y for reach in Range] == [235, 255]
    assert [Ink(16).coded(Colorimetry.BT709, reach).y for reach in Range] == [16, 0]
    assert ALARM.coded(Colorimetry.BT709, Range.LIMITED) == ALARM


@pytest.mark.parametrize("reach", list(Range))
def test_letters_are_as_white_as_the_ink(reach: Range) -> None:
    canvas = Canvas(64, 48, range=reach)
    canvas.fill(DARK)
    canvas.write_centred(BlockPainter(), "A", top=8, height_px=16, ink=WHITE)
    white, dark = (ink.coded(Colorimetry.BT709, reach).y for ink in (WHITE, DARK))
    assert set(np.unique(canvas.luma)) == {white, dark}
