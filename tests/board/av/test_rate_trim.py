from __future__ import annotations

import pytest

from board.av.rate_trim import RateTrim, headroom

_WANTED_BPS = 3_000_000
_FRAME_BITS = _WANTED_BPS // 30
_FRAME_S = 1 / 30


def trim(*, most_bps: int = 9_000_000) -> RateTrim:
    return RateTrim(_WANTED_BPS, most_bps=most_bps)


def test_pictures_of_the_right_size_change_nothing() -> None:
    one = trim()
    for _ in range(100):
        one.took(_FRAME_BITS, _FRAME_S)
        assert one.bps == _WANTED_BPS


def test_smaller_pictures_raise_the_rate_and_larger_ones_lower_it() -> None:
    small, large = trim(), trim()
    small.took(_FRAME_BITS * 9 // 10, _FRAME_S)
    large.took(_FRAME_BITS * 11 // 10, _FRAME_S)
    assert small.bps == pytest.approx(_WANTED_BPS * 1.033, rel=0.001)
    assert large.bps == pytest.approx(_WANTED_BPS * 0.967, rel=0.001)


@pytest.mark.parametrize(("bits", "factor"), [(0, 1.4), (_FRAME_BITS * 20, 0.6)])
def test_its_reach_is_bounded_both_ways(bits: int, factor: float) -> None:
    one = trim()
    for _ in range(300):
        one.took(bits, _FRAME_S)
    assert one.bps == round(_WANTED_BPS * factor)


def test_it_never_asks_for_more_than_the_encoder_was_opened_for() -> None:
    one = trim(most_bps=3_300_000)
    for _ in range(30):
        one.took(0, _FRAME_S)
    assert one.bps == 3_300_000


def test_what_a_still_picture_left_is_forgotten_within_two_seconds() -> None:
    one = trim()
    for _ in range(300):
        one.took(0, _FRAME_S)
    for _ in range(60):
        one.took(_FRAME_BITS, _FRAME_S)
    assert one.bps == pytest.approx(_WANTED_BPS, rel=0.02)


def test_a_picture_that_stands_twice_as_long_may_be_twice_as_large() -> None:
    one = trim()
    one.took(2 * _FRAME_BITS, 2 * _FRAME_S)
    assert one.bps == _WANTED_BPS


def test_a_picture_after_a_long_gap_is_owed_no_more_than_its_reach() -> None:
    one = trim()
    one.took(_FRAME_BITS, 1e6)
    assert one.bps == round(_WANTED_BPS * 1.4)


def test_a_new_aim_starts_with_a_clean_sheet_and_the_same_one_does_not() -> None:
    one = trim()
    one.took(0, _FRAME_S)
    trimmed = one.bps
    one.aim(_WANTED_BPS)
    assert one.bps == trimmed > _WANTED_BPS
    one.aim(1_000_000)
    assert one.bps == 1_000_000


@pytest.mark.parametrize(("vbv_frames", "expected"), [(0.5, 1.0), (1.0, 1.0), (1.2, 1.2), (3.0, 1.4), (9.0, 1.4)])
def test_a_buffer_of_a_frame_leaves_no_headroom(vbv_frames: float, expected: float) -> None:
    assert headroom(vbv_frames) == expected
