"""Modes as drivers describe them."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from board.v4l2.abi import structs as s
from board.v4l2.timings import Timings, TimingsLimits
from tests.board.v4l2.drivers.modes import (
    HD720P50,
    HD720P60,
    HD1080I50,
    HD1080I5994,
    HD1080P30,
    HD1080P50,
    HD1080P60,
    HD1080P5994,
    UHD2160P30,
    Mode,
)

LIMITS = TimingsLimits(640, 1920, 350, 1200, 13_000_000, 165_000_000, interlaced=False)
HD = Timings(1920, 1080, Fraction(60), False, 148_500_000)


@pytest.mark.parametrize(
    ("mode", "text"),
    [
        (HD1080P60, "1920x1080p60"),
        (HD1080P5994, "1920x1080p59.94"),
        (HD1080P50, "1920x1080p50"),
        (HD1080P30, "1920x1080p30"),
        (HD720P60, "1280x720p60"),
        (HD720P50, "1280x720p50"),
        (HD1080I50, "1920x1080i50"),
        (HD1080I5994, "1920x1080i59.94"),
        (UHD2160P30, "3840x2160p30"),
    ],
)
def test_a_mode_with_real_blanking_is_read_exactly(mode: Mode, text: str) -> None:
    timings = Timings.of(mode.exact())
    assert str(timings) == text
    assert timings.fps == mode.fps
    assert timings.interlaced is mode.interlaced


def test_the_tc358743_sees_whole_rates() -> None:
    assert Timings.of(HD1080P5994.measured()).fps == 60


@pytest.mark.parametrize(
    ("pixelclock", "fps"),
    [
        (148_510_000, Fraction(60)),  # a measured clock within 0.02 %
        (148_351_648, Fraction(60_000, 1001)),
        (148_000_000, Fraction(598, 10)),
        (0, Fraction(0)),
    ],
)
def test_rates_are_tidied_but_not_bent(pixelclock: int, fps: Fraction) -> None:
    given = HD1080P60.exact()
    given.bt.pixelclock = pixelclock
    assert Timings.of(given).fps == fps


def test_empty_timings_are_no_mode_and_no_error() -> None:
    assert Timings.of(s.DvTimings()) == Timings(0, 0, Fraction(0), False, 0)


def test_the_drivers_own_bytes_go_back_to_it() -> None:
    given = HD1080P50.measured()
    assert bytes(Timings.of(given).struct()) == bytes(given)


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (replace(HD, fps=Fraction(60) + Fraction(3, 100)), True),
        (replace(HD, fps=Fraction(60_000, 1001)), False),
        (replace(HD, interlaced=True), False),
        (replace(HD, width=1921), False),
        (replace(HD, pixelclock_hz=1), True),
    ],
)
def test_modes_are_the_same_up_to_half_of_what_lies_between_60_and_5994(other: Timings, same: bool) -> None:
    assert HD.same_mode(other) is same


@pytest.mark.parametrize(
    ("timings", "reason"),
    [
        (HD, ""),
        (
            Timings.of(HD1080I50.exact()),
            "1920x1080i50 is interlaced, which this receiver does not take",
        ),
        (Timings.of(UHD2160P30.exact()), "3840x2160p30 is too large; at most 1920x1200"),
        (replace(HD, width=320, height=240), "320x240p60 is too small; at least 640x350"),
        (replace(HD, pixelclock_hz=297_000_000), "1920x1080p60 is too fast: pixel clock 297 MHz, at most 165"),
        (replace(HD, pixelclock_hz=1_000_000), "1920x1080p60 is too slow: pixel clock 1 MHz, at least 13"),
    ],
)
def test_why_a_mode_is_out_of_range(timings: Timings, reason: str) -> None:
    assert LIMITS.why_not(timings) == reason
