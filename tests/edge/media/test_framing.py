from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from edge.media.framing import NO_PLAN, fit
from edge.model.picture import Area, Mask, PictureSpec, Sheet
from edge.model.rect import Rect
from edge.model.video import VideoFormat

HD = VideoFormat(1920, 1080, Fraction(60))
NAME_BAR = Mask((Sheet((1920, 1080), (Rect(0, 0, 1920, 60),)),))
MIDDLE = Area((1920, 1080), Rect(420, 0, 1080, 1080))


def test_without_a_wish_the_picture_is_withheld() -> None:
    assert fit(None, HD).withheld == NO_PLAN


def test_empty_wish_leaves_the_picture_as_it_is() -> None:
    framed = fit(PictureSpec(), HD)
    assert (framed.sent, framed.crop, framed.blacks, framed.withheld) == (HD, None, (), "")


def test_mask_is_told_in_the_pixels_of_the_crop() -> None:
    framed = fit(PictureSpec(crop=MIDDLE, masks=(NAME_BAR,)), HD)
    assert (framed.sent.width, framed.sent.height) == (1080, 1080)
    assert framed.blacks == (Rect(0, 0, 1080, 60),)


def test_mask_outside_the_crop_is_dropped() -> None:
    corner = Mask((Sheet((1920, 1080), (Rect(0, 0, 400, 60),)),))
    assert fit(PictureSpec(crop=MIDDLE, masks=(corner,)), HD).blacks == ()


def test_mask_and_crop_scale_with_a_picture_of_the_same_shape() -> None:
    framed = fit(PictureSpec(crop=MIDDLE, masks=(NAME_BAR,)), replace(HD, width=1280, height=720))
    assert framed.crop == Rect(280, 0, 720, 720)
    assert framed.blacks == (Rect(0, 0, 720, 40),)


def test_mask_for_another_shape_withholds_the_picture_and_names_both() -> None:
    framed = fit(PictureSpec(masks=(NAME_BAR,)), replace(HD, width=640, height=480))
    assert "1920x1080" in framed.withheld
    assert "640x480" in framed.withheld


def test_crop_for_another_shape_shows_the_whole_picture_and_says_so() -> None:
    framed = fit(PictureSpec(crop=MIDDLE), replace(HD, width=640, height=480))
    assert (framed.sent.width, framed.crop, framed.withheld) == (640, None, "")
    assert framed.crop_trouble == "crop 1080x1080+420+0 was made for 1920x1080, the picture is 640x480"


def test_crop_that_becomes_too_small_shows_the_whole_picture_and_says_so() -> None:
    tiny = Area((1920, 1080), Rect(0, 0, 20, 20))
    framed = fit(PictureSpec(crop=tiny), replace(HD, width=320, height=180))
    assert framed.crop is None
    assert "16 pixels" in framed.crop_trouble


def test_unknown_masks_withhold_the_picture_with_their_reason() -> None:
    assert fit(PictureSpec(withheld="the file is lost"), HD).withheld == "the file is lost"
