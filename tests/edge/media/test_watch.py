from __future__ import annotations

from dataclasses import replace

import pytest

from edge.media.freeze import FreezeWatch
from edge.media.watch import BLACK, FROZEN, BlackWatch, hint_of
from edge.model.frame import Frame, Stamps
from edge.model.video import Pixel, Range, VideoFormat
from tests.fakes import MS, SMALL
from tests.raw_bars import flat_frame

_LAYOUTS = [(pixel, reach) for pixel in Pixel for reach in Range]
_BLACK = (0.0, 0.0, 0.0)
_DIM = (0.1, 0.1, 0.1)


def _at(frame: Frame, ms: float) -> Frame:
    return replace(frame, stamps=Stamps(captured_ns=int(ms * MS)))


def _video(pixel: Pixel, reach: Range) -> VideoFormat:
    return replace(SMALL, pixel=pixel, range=reach)


@pytest.mark.parametrize(("pixel", "reach"), _LAYOUTS)
def test_black_is_noticed_after_two_seconds_and_not_before(pixel: Pixel, reach: Range) -> None:
    watch, frame = BlackWatch(), flat_frame(_video(pixel, reach), _BLACK, padding=6)
    assert [watch.observe(_at(frame, ms)) for ms in (100, 1100, 2099, 2100, 2500)] == [False, False, False, True, True]


@pytest.mark.parametrize(("pixel", "reach"), _LAYOUTS)
def test_dim_grey_is_not_black(pixel: Pixel, reach: Range) -> None:
    watch, frame = BlackWatch(), flat_frame(_video(pixel, reach), _DIM)
    assert not any(watch.observe(_at(frame, ms)) for ms in range(0, 5000, 500))


@pytest.mark.parametrize("colour", [(0, 0, 1), (1, 0, 0)])
def test_a_blue_or_red_picture_is_not_black_in_rgb(colour: tuple[float, float, float]) -> None:
    watch, frame = BlackWatch(), flat_frame(_video(Pixel.RGB24, Range.FULL), colour)
    assert not any(watch.observe(_at(frame, ms)) for ms in range(0, 5000, 500))


def test_first_picture_that_is_not_black_clears_it_and_the_two_seconds_begin_anew() -> None:
    black, dim = (flat_frame(_video(Pixel.UYVY422, Range.LIMITED), colour) for colour in (_BLACK, _DIM))
    watch = BlackWatch()
    watch.observe(_at(black, 0))
    assert watch.observe(_at(black, 3000))
    assert not watch.observe(_at(dim, 3020))
    assert not watch.observe(_at(black, 3040))
    assert not watch.observe(_at(black, 5000))
    assert watch.observe(_at(black, 5040))


def test_black_says_more_than_frozen_and_a_moving_picture_nothing() -> None:
    assert hint_of(black=True, frozen=True) is BLACK
    assert hint_of(black=False, frozen=True) is FROZEN
    assert hint_of(black=False, frozen=False) is None
    assert (BLACK.code, FROZEN.code) == ("black_picture", "frozen_picture")


@pytest.mark.parametrize(("pixel", "reach"), _LAYOUTS)
def test_freeze_is_noticed_in_every_layout_whatever_the_padding_holds(pixel: Pixel, reach: Range) -> None:
    watch, video = FreezeWatch(after_ns=400 * MS), _video(pixel, reach)
    found = [
        watch.observe(_at(flat_frame(video, _DIM, padding=6, rubbish=number), 20 * number)) for number in range(25)
    ]
    assert found == [None] * 20 + [0] * 5


@pytest.mark.parametrize("pixel", list(Pixel))
def test_one_changed_sample_in_each_picture_is_movement_in_every_layout(pixel: Pixel) -> None:
    watch, video = FreezeWatch(after_ns=400 * MS), _video(pixel, Range.LIMITED)
    for number in range(60):
        frame = flat_frame(video, _DIM)
        frame.lease.planes[0].memory[-2] = number % 2 * 7
        assert watch.observe(_at(frame, 20 * number)) is None
