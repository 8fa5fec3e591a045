from __future__ import annotations

import numpy as np
import pytest

from edge.media.crop import compact, crop_of, cropped
from edge.model.errors import Invalid
from edge.model.rect import Rect
from edge.model.video import Pixel
from tests.raw_pictures import noise, pixels_of, samples_of


@pytest.mark.parametrize("pixel", list(Pixel))
@pytest.mark.parametrize("rect", [Rect(8, 4, 32, 20), Rect(0, 0, 64, 48), Rect(32, 30, 32, 18)], ids=str)
def test_crop_shows_exactly_that_part(pixel: Pixel, rect: Rect) -> None:
    whole = samples_of(noise(pixel, padding=6))
    part = cropped(noise(pixel, padding=6), rect)
    assert (part.format.width, part.format.height) == (rect.width, rect.height)
    expected = whole[rect.y : rect.y + rect.height, rect.x : rect.x + rect.width]
    assert (samples_of(part) == expected).all()


def test_crop_copies_nothing_and_keeps_the_stride() -> None:
    frame = noise(padding=6)
    memory = np.frombuffer(frame.lease.planes[0].memory, np.uint8)
    part = cropped(frame, Rect(8, 4, 32, 20))
    assert np.shares_memory(memory, np.frombuffer(part.lease.planes[0].memory, np.uint8))
    assert [plane.stride for plane in part.lease.planes] == [70, 38, 38]


def test_buffer_goes_back_with_the_crops_last_lease() -> None:
    back: list[str] = []
    part = cropped(noise(writable=True, give_back=lambda: back.append("back")), Rect(8, 4, 32, 20))
    assert part.lease.writable
    part.lease.retain()
    part.lease.release()
    assert back == []
    part.lease.release()
    assert back == ["back"]


def test_odd_crop_grows_to_even_where_pixels_share_chroma() -> None:
    odd = Rect(9, 5, 31, 21)
    assert crop_of(noise().format, odd) == Rect(8, 4, 32, 22)
    assert crop_of(noise(Pixel.RGB24).format, odd) == odd


@pytest.mark.parametrize(
    ("rect", "code", "words"),
    [
        (Rect(40, 0, 32, 20), "crop_outside_picture", "crop 32x20\\+40\\+0 does not lie inside the picture of 64x48"),
        (Rect(0, 40, 32, 20), "crop_outside_picture", "crop 32x20\\+0\\+40 does not lie inside the picture of 64x48"),
        (Rect(0, 0, 14, 20), "crop_too_small", "16 pixels"),
    ],
)
def test_crop_that_cannot_be_is_refused_naming_picture_and_crop(rect: Rect, code: str, words: str) -> None:
    with pytest.raises(Invalid, match=words) as caught:
        crop_of(noise().format, rect)
    assert caught.value.code == code


@pytest.mark.parametrize("pixel", list(Pixel))
def test_compact_picture_has_no_gaps_and_the_same_pixels(pixel: Pixel) -> None:
    part = cropped(noise(pixel, padding=6), Rect(32, 30, 32, 18))
    expected = samples_of(part).copy()
    tight = compact(part)
    assert (samples_of(tight) == expected).all()
    assert [len(plane.memory) for plane in tight.lease.planes] == [rows.size for rows in pixels_of(tight)]


def test_picture_without_gaps_is_not_copied() -> None:
    frame = noise()
    assert compact(frame) is frame
