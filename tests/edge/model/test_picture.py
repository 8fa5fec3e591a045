from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.model.errors import Invalid
from edge.model.picture import Area, CaptureMode, Mask, PictureSpec, Sheet, scaled, uncovers
from edge.model.rect import Rect

HD, UHD, SD = (1920, 1080), (3840, 2160), (640, 480)


def spec(*rects: Rect, of: tuple[int, int] = HD) -> PictureSpec:
    return PictureSpec(masks=(Mask((Sheet(of, rects),)),) if rects else ())


def test_mode_is_read_and_written() -> None:
    assert str(CaptureMode.parse("1920x1080@60")) == "1920x1080@60"
    with pytest.raises(Invalid, match="1080p60"):
        CaptureMode.parse("1080p60")


def test_sheet_and_crop_outside_their_picture_are_refused_with_a_sentence() -> None:
    with pytest.raises(Invalid, match=r"mask 20x20\+1910\+0 does not lie inside the picture of 1920x1080") as mask:
        Sheet(HD, (Rect(1910, 0, 20, 20),))
    with pytest.raises(Invalid, match="crop") as crop:
        Area(HD, Rect(0, 1070, 20, 20))
    assert (mask.value.code, crop.value.code) == ("mask_outside_picture", "crop_outside_picture")


def test_scaling_grows_outwards_and_refuses_another_shape() -> None:
    assert scaled(Rect(1, 1, 1, 1), HD, (1280, 720)) == Rect(0, 0, 2, 2)
    assert scaled(Rect(1, 2, 3, 4), HD, UHD) == Rect(2, 4, 6, 8)
    assert scaled(Rect(1, 2, 3, 4), HD, SD) is None


def test_sheet_of_the_very_size_goes_before_a_scaled_one() -> None:
    mask = Mask((Sheet(HD, (Rect(0, 0, 10, 10),)), Sheet(UHD, (Rect(5, 5, 5, 5),))))
    assert mask.on(UHD) == (Rect(5, 5, 5, 5),)
    assert mask.on((1280, 720)) == (Rect(0, 0, 7, 7),)
    assert mask.on(SD) is None


@pytest.mark.parametrize(
    ("before", "after", "grave"),
    [
        (spec(), spec(), False),
        (spec(), spec(Rect(0, 0, 9, 9)), False),
        (spec(Rect(0, 0, 9, 9)), spec(Rect(0, 0, 9, 9)), False),
        (spec(Rect(0, 0, 9, 9)), spec(Rect(0, 0, 10, 9)), False),
        (spec(Rect(0, 0, 9, 9)), spec(Rect(0, 0, 5, 9), Rect(5, 0, 4, 9)), False),
        (spec(Rect(0, 0, 9, 9)), spec(), True),
        (spec(Rect(0, 0, 9, 9)), spec(Rect(0, 0, 8, 9)), True),
        (spec(Rect(0, 0, 9, 9)), spec(Rect(1, 0, 9, 9)), True),
        (spec(Rect(0, 0, 9, 9)), spec(Rect(0, 0, 5, 9), Rect(6, 0, 4, 9)), True),
        (spec(Rect(0, 0, 9, 9), Rect(20, 20, 5, 5)), spec(Rect(0, 0, 9, 9)), True),
        (spec(Rect(0, 0, 10, 10)), spec(Rect(0, 0, 20, 20), of=UHD), False),
        (spec(Rect(0, 0, 10, 10)), spec(Rect(0, 0, 19, 20), of=UHD), True),
        (spec(Rect(0, 0, 9, 9)), spec(Rect(0, 0, 640, 480), of=SD), True),
        (PictureSpec(withheld="lost"), spec(Rect(0, 0, 9, 9)), True),
        (spec(Rect(0, 0, 9, 9)), PictureSpec(withheld="lost"), False),
    ],
)
def test_uncovering_is_noticed(before: PictureSpec, after: PictureSpec, grave: bool) -> None:
    assert uncovers(before, after, now=None) is grave


RECTS = st.lists(st.builds(Rect, *(st.integers(0, 9),) * 2, *(st.integers(1, 6),) * 2), max_size=5)


@given(RECTS, RECTS)
def test_uncovering_is_what_pixels_say(before: list[Rect], after: list[Rect]) -> None:
    def pixels(rects: list[Rect]) -> set[tuple[int, int]]:
        return {(x, y) for r in rects for x in range(r.x, r.x + r.width) for y in range(r.y, r.y + r.height)}

    expected = not pixels(before) <= pixels(after)
    assert uncovers(spec(*before, of=(16, 16)), spec(*after, of=(16, 16)), now=(16, 16)) is expected
