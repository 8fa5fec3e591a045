from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from board.sim.bars import ycbcr
from board.sim.picture import Moment, Pattern, Sheet
from edge.model.strip import CELLS, read_cells
from edge.model.video import Colorimetry, VideoFormat
from tests.board.kit import UTC_0_NS, BlockPainter

_SIZES = [(3840, 2160), (1920, 1080), (1280, 720), (640, 360), (320, 240), (64, 64)]


def pattern(width: int, height: int, colorimetry: Colorimetry = Colorimetry.BT709) -> Pattern:
    video = VideoFormat(width, height, Fraction(60), colorimetry=colorimetry)
    return Pattern(format=video, painter=BlockPainter())


def content(sheet: Sheet) -> bytes:
    return b"".join(bytes(plane.memory) for plane in sheet.planes)


@pytest.mark.parametrize(("width", "height"), _SIZES)
def test_a_used_sheet_looks_like_a_fresh_one(width: int, height: int) -> None:
    picture = pattern(width, height)
    used, fresh = picture.sheet(), picture.sheet()
    for counter in (0, 7, 250, 99_999_999):
        picture.draw(used, Moment(UTC_0_NS + counter * 16_666_667, counter))
    picture.draw(used, Moment(UTC_0_NS, 300))
    picture.draw(fresh, Moment(UTC_0_NS, 300))
    assert content(used) == content(fresh)


@pytest.mark.parametrize(("width", "cell"), [(1920, 16), (1024, 16), (1022, 8), (512, 8)])
def test_the_strip_is_exact_black_and_white_with_neutral_chroma(width: int, cell: int) -> None:
    picture = pattern(width, 480)
    sheet = picture.sheet()
    picture.draw(sheet, Moment(UTC_0_NS, 0))
    cells = sheet.luma[:cell, : CELLS * cell].reshape(cell, CELLS, cell)
    assert read_cells([int(value) for value in cells[0, :, 0]]) == UTC_0_NS // 1000 % 2**48
    assert (cells == cells[:1, :, :1]).all()
    assert set(np.unique(cells)) == {16, 235}
    for plane in sheet.planes[1:]:
        chroma = np.frombuffer(plane.memory, np.uint8)[: cell // 2 * plane.stride]
        assert (chroma == 128).all()


def test_no_strip_on_a_narrow_picture() -> None:
    picture = pattern(510, 480)
    one, other = picture.sheet(), picture.sheet()
    picture.draw(one, Moment(UTC_0_NS, 0))
    picture.draw(other, Moment(UTC_0_NS + 500_000, 0))
    assert content(one) == content(other)


@pytest.mark.parametrize(("width", "height"), [(1920, 1080), (320, 240)])
def test_the_text_is_large_and_directly_under_the_strip(width: int, height: int) -> None:
    picture = pattern(width, height)
    sheet = picture.sheet()
    empty = sheet.luma.copy()
    picture.draw(sheet, Moment(UTC_0_NS, 0))
    cell = 16 if width >= 1024 else 0
    rows = np.flatnonzero((sheet.luma != empty)[cell:].any(axis=1)) + cell
    assert rows[0] <= cell + height // 16
    assert rows[-1] < height // 4


def test_time_and_counter_are_what_is_written() -> None:
    assert Moment(1_795_000_000_987_654_321, 42).text() == "11:06:40.987#00000042"


def test_the_mover_moves_each_frame() -> None:
    picture = pattern(640, 360)
    sheet = picture.sheet()
    places = []
    for counter in range(50):
        picture.draw(sheet, Moment(UTC_0_NS, counter))
        places.append(sheet.mover_x)
    assert len(set(places)) == 50


def test_reference_colours_have_the_code_values_of_the_standards() -> None:
    red = np.array([[1.0, 0.0, 0.0]])
    assert ycbcr(red, Colorimetry.BT709)[0].tolist() == [63, 102, 240]
    assert ycbcr(red, Colorimetry.BT601)[0].tolist() == [81, 90, 240]
    assert ycbcr(np.ones((1, 3)), Colorimetry.BT709)[0].tolist() == [235, 128, 128]
