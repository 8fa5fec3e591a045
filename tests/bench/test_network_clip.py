"""The original is found again from the received picture alone."""

from __future__ import annotations

import time
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from board.sim.picture import Moment, Pattern
from edge.media.painter import PillowPainter
from edge.model.video import VideoFormat
from tests.bench.network_clip import FPS, GRAIN, HEIGHT, WIDTH, Original

_UTC_US = 1_795_000_000_123_456


def sent(counters: list[int]) -> list[NDArray[np.uint8]]:
    pattern = Pattern(format=VideoFormat(WIDTH, HEIGHT, Fraction(FPS)), painter=PillowPainter(), grain=GRAIN)
    sheet = pattern.sheet()
    pictures = []
    for counter in counters:
        pattern.draw(sheet, Moment(_at_us(counter - counters[0]) * 1000, counter))
        pictures.append(sheet.luma.copy())
    return pictures


def _at_us(frames: int) -> int:
    return _UTC_US + frames * 1_000_000 // FPS


def test_untouched_picture_is_its_original_and_a_damaged_one_is_not() -> None:
    original = Original()
    first, later = sent([431, 437])
    assert original.psnr_db(first, _at_us(0)) == 99
    assert original.psnr_db(later, _at_us(6)) == 99
    damaged = later.copy()
    damaged[500:600] = 16
    assert (original.psnr_db(damaged, _at_us(6)) or 99) < 30


def test_picture_of_just_now_tells_its_time_itself() -> None:
    pattern = Pattern(format=VideoFormat(WIDTH, HEIGHT, Fraction(FPS)), painter=PillowPainter(), grain=GRAIN)
    sheet = pattern.sheet()
    pattern.draw(sheet, Moment(time.time_ns() // 1000 * 1000, 77))
    assert Original().psnr_now_db(sheet.luma) == 99
    sheet.luma[:16] = 16
    assert Original().psnr_now_db(sheet.luma) is None


def test_smaller_picture_has_no_figure() -> None:
    assert Original().psnr_db(np.zeros((540, 960), np.uint8), _UTC_US) is None
