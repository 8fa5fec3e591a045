"""Black is compared pixel by pixel, by a reader of each layout that knows nothing of the masker."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edge.media.mask import Masker
from edge.model.frame import Lease, Plane
from edge.model.rect import Rect
from edge.model.video import Pixel, Range
from tests.raw_pictures import noise, pixels_of, samples_of

TEN_BIT = (Pixel.YUV422P10, Pixel.P010)
RGB = (Pixel.RGB24, Pixel.BGR24)
EVEN, ODD = Rect(8, 12, 20, 10), Rect(7, 11, 13, 5)


def black_of(pixel: Pixel, range: Range) -> list[int]:
    luma = 0 if range is Range.FULL else 16
    if pixel in RGB:
        return [luma] * 3
    return [luma * 4, 512, 512] if pixel in TEN_BIT else [luma, 128, 128]


@pytest.mark.parametrize("writable", [True, False], ids=["in place", "on a copy"])
@pytest.mark.parametrize("rect", [EVEN, ODD], ids=["even", "odd"])
@pytest.mark.parametrize("range", list(Range))
@pytest.mark.parametrize("pixel", list(Pixel))
def test_masked_pixels_are_exactly_black_and_the_others_unharmed(
    pixel: Pixel, range: Range, rect: Rect, writable: bool
) -> None:
    before = samples_of(noise(pixel, range=range, padding=6)).copy()
    after = samples_of(Masker().over(noise(pixel, range=range, padding=6, writable=writable), [rect]))
    black = np.array(black_of(pixel, range))
    asked = after[rect.y : rect.y + rect.height, rect.x : rect.x + rect.width]
    assert (asked == black).all()
    grown = rect if pixel in RGB else rect.grown_to_even()
    inside = np.zeros(before.shape[:2], bool)
    inside[grown.y : grown.y + grown.height, grown.x : grown.x + grown.width] = True
    assert (after[inside] == black).all()
    assert (after[~inside] == before[~inside]).all()


@pytest.mark.parametrize("pixel", list(Pixel))
def test_mask_at_the_corners_stays_inside_the_picture(pixel: Pixel) -> None:
    corners = [Rect(0, 0, 1, 1), Rect(63, 47, 1, 1), Rect(63, 0, 1, 1), Rect(0, 47, 1, 1)]
    after = samples_of(Masker().over(noise(pixel, padding=4), corners))
    black = black_of(pixel, Range.LIMITED)
    assert all((after[y, x] == black).all() for y in (0, -1) for x in (0, -1))
    assert (after[20, 20] != black).any()


def test_picture_that_is_not_ours_is_not_drawn_on() -> None:
    back: list[str] = []
    frame = noise(give_back=lambda: back.append("back"))
    before = [plane.copy() for plane in pixels_of(frame)]
    memories = [plane.memory for plane in frame.lease.planes]
    masked = Masker().over(frame, [EVEN])
    assert back == ["back"], "the source's buffer is not held while the copy lives"
    assert all(bytes(memory) == plane.tobytes() for memory, plane in zip(memories, before, strict=True))
    assert all(a.memory is not b for a, b in zip(masked.lease.planes, memories, strict=True))


def test_writable_picture_costs_no_copy_and_goes_back_once() -> None:
    back: list[str] = []
    frame = noise(writable=True, give_back=lambda: back.append("back"))
    memory = frame.lease.planes[0].memory
    masked = Masker().over(frame, [EVEN])
    assert masked.lease.planes[0].memory is memory
    assert back == []
    masked.lease.release()
    assert back == ["back"]


def test_writable_picture_that_somebody_else_needs_as_it_is_is_copied() -> None:
    frame = noise(writable=True)
    frame.lease.retain()
    before = samples_of(frame).copy()
    Masker().over(frame, [EVEN], keep=True)
    assert (samples_of(frame) == before).all()


def test_lease_that_says_writable_over_read_only_memory_is_copied() -> None:
    frame = noise(writable=True)
    frozen = [memoryview(bytes(plane.memory)) for plane in frame.lease.planes]
    planes = tuple(Plane(m, p.stride) for m, p in zip(frozen, frame.lease.planes, strict=True))
    masked = Masker().over(replace(frame, lease=Lease(planes, writable=True)), [EVEN])
    assert (samples_of(masked)[12, 8] == [16, 128, 128]).all()


def test_the_librarys_own_picture_does_not_survive_a_mask() -> None:
    frame = noise(writable=True)
    frame.lease.native = object()
    assert Masker().over(frame, [EVEN]).lease.native is None


def test_nothing_to_mask_leaves_the_picture_alone() -> None:
    frame = noise()
    assert Masker().over(frame, []) is frame


def test_buffers_are_used_again_once_they_are_back_and_not_before() -> None:
    masker = Masker()
    first = masker.over(noise(), [EVEN])
    second = masker.over(noise(), [EVEN])
    assert first.lease.planes[0].memory.obj is not second.lease.planes[0].memory.obj
    kept = np.frombuffer(first.lease.planes[0].memory, np.uint8)
    first.lease.release()
    third = masker.over(noise(), [EVEN])
    assert np.shares_memory(kept, np.frombuffer(third.lease.planes[0].memory, np.uint8))
