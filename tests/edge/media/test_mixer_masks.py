"""What of a picture leaves the house: two rungs, one that may have the picture as it is."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from edge.media.mixer import Feed, Mixer
from edge.media.signal_book import SignalBook
from edge.media.slate import FrozenBanner, SlatePainter
from edge.model.frame import Frame
from edge.model.picture import Area, Mask, PictureSpec, Sheet
from edge.model.rect import Rect
from edge.model.video import Pixel, VideoFormat
from tests.fakes import BlockPainter, FakeClock
from tests.raw_pictures import noise, samples_of

SIZE = (64, 48)
NAME = Rect(9, 5, 20, 7)
MASKED = PictureSpec(masks=(Mask((Sheet(SIZE, (NAME,)),)),), freeze_after_ms=0)
CLEAR = PictureSpec(freeze_after_ms=0)
OTHER_SHAPE = PictureSpec(masks=(Mask((Sheet((1920, 1080), (NAME,)),)),), freeze_after_ms=0)


class _House:
    """A mixer with the rungs `main` (masked) and `archive` (as the source gives it)."""

    def __init__(self, spec: PictureSpec | None, *, archive: bool = True) -> None:
        self.clock = FakeClock()
        self.book = SignalBook(clock=self.clock)
        self.main: list[Frame] = []
        self.archive: list[Frame] = []
        painter = BlockPainter()
        self.mixer = Mixer(
            clock=self.clock,
            book=self.book,
            slate=SlatePainter(painter=painter),
            banner=FrozenBanner(painter=painter),
            slate_after_ns=250_000_000,
            rungs=(Feed(self.main.append), *((Feed(self.archive.append, masked=False),) if archive else ())),
        )
        if spec is not None:
            self.mixer.frame_as(spec)

    def show(self, **how: object) -> Frame:
        frame = noise(at_ns=self.clock.mono_ns(), **how)  # type: ignore[arg-type]
        self.book.note_frame(frame)
        self.mixer.offer(frame)
        self.clock.advance(20)
        return self.main[-1]


def is_black(frame: Frame, rect: Rect) -> bool:
    part = samples_of(frame)[rect.y : rect.y + rect.height, rect.x : rect.x + rect.width]
    return bool((part == [16, 128, 128]).all())


@pytest.mark.parametrize("writable", [True, False])
def test_masked_rung_and_still_are_black_and_the_archive_is_not(writable: bool) -> None:
    house = _House(MASKED)
    original = samples_of(noise())
    shown = house.show(writable=writable)
    still = house.mixer.take_latest()
    assert still is not None
    assert is_black(shown, NAME)
    assert is_black(still, NAME)
    assert (samples_of(house.archive[0]) == original).all()


def test_only_masked_rungs_let_a_writable_picture_be_drawn_on() -> None:
    house = _House(MASKED, archive=False)
    frame = noise(writable=True)
    memory = np.frombuffer(frame.lease.planes[0].memory, np.uint8)
    house.book.note_frame(frame)
    house.mixer.offer(frame)
    assert np.shares_memory(memory, np.frombuffer(house.main[0].lease.planes[0].memory, np.uint8))


def test_before_the_first_plan_no_picture_leaves() -> None:
    house = _House(None)
    shown = house.show()
    assert not shown.live
    assert house.mixer.take_latest() is None
    state = house.mixer.state()
    assert not state.live
    assert "withheld" in state.reason
    assert house.archive[0].live, "what stays in the house is not withheld"
    house.mixer.frame_as(CLEAR)
    assert house.show().live


def test_mask_that_does_not_fit_withholds_the_picture_and_it_comes_back_with_one_that_does() -> None:
    house = _House(OTHER_SHAPE)
    shown = house.show()
    assert (shown.live, shown.format.width, shown.format.height) == (False, *SIZE)
    assert "1920x1080" in house.mixer.state().reason
    house.mixer.frame_as(MASKED)
    again = house.show()
    assert (again.live, again.discontinuity) == (True, True)
    assert is_black(again, NAME)


def test_new_mask_holds_from_the_next_picture_and_the_old_still_is_gone() -> None:
    house = _House(CLEAR)
    assert not is_black(house.show(), NAME)
    house.mixer.frame_as(MASKED)
    assert house.mixer.take_latest() is None, "the newest picture shows what shall be hidden"
    shown = house.show()
    assert is_black(shown, NAME)
    assert shown.discontinuity
    house.mixer.frame_as(MASKED)
    assert not house.show().discontinuity, "the same wish again changes nothing"


def test_crop_changes_the_size_of_picture_and_slate_while_the_source_runs() -> None:
    house = _House(CLEAR)
    house.show()
    house.mixer.frame_as(PictureSpec(crop=Area(SIZE, Rect(8, 4, 32, 24)), masks=MASKED.masks, freeze_after_ms=0))
    shown = house.show()
    assert (shown.format.width, shown.format.height) == (32, 24)
    assert is_black(shown, Rect(1, 1, 20, 7))
    house.clock.advance(300)
    house.mixer.tick()
    assert (house.main[-1].live, house.main[-1].format) == (False, shown.format)


def test_frozen_picture_is_masked_and_has_its_banner_cropped_or_not() -> None:
    spec = PictureSpec(crop=Area(SIZE, Rect(16, 8, 48, 40)), masks=MASKED.masks, freeze_after_ms=100)
    house = _House(spec)
    for _ in range(10):
        shown = house.show()
    assert not shown.live
    assert is_black(shown, Rect(0, 0, 13, 4))
    assert not house.archive[-1].live


def test_freeze_time_follows_the_wish() -> None:
    house = _House(PictureSpec(freeze_after_ms=100))
    assert [house.show().live for _ in range(8)].count(False) > 0
    house.mixer.frame_as(PictureSpec(freeze_after_ms=5000))
    assert all(house.show().live for _ in range(100))


def test_picture_of_a_layout_without_banner_is_masked_all_the_same() -> None:
    house = _House(PictureSpec(masks=MASKED.masks, freeze_after_ms=100), archive=False)
    for _ in range(10):
        shown = house.show(pixel=Pixel.NV12)
    assert not shown.live
    assert is_black(shown, NAME)


@pytest.mark.parametrize("spec", [CLEAR, MASKED, OTHER_SHAPE, None], ids=["clear", "masked", "withheld", "no plan"])
@pytest.mark.parametrize("writable", [True, False])
def test_every_lease_goes_back(spec: PictureSpec | None, writable: bool) -> None:
    house, back = _House(spec), []
    for _ in range(3):
        house.show(writable=writable, give_back=lambda: back.append("back"))
    for frame in (*house.main, *house.archive):
        frame.lease.release()
    house.clock.advance(300)
    house.mixer.tick()
    assert len(back) == 3


def test_mask_scales_with_a_new_mode_of_the_same_shape() -> None:
    house = _House(MASKED)
    house.show()
    shown = house.show(width=128, height=96)
    assert is_black(shown, Rect(18, 10, 40, 14))
    assert shown.format == VideoFormat(128, 96, Fraction(50))
