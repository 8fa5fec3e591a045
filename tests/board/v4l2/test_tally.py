"""Numbers and times that must rise whatever a driver says."""

from __future__ import annotations

import pytest

from board.v4l2.tally import FrameNumbers, Tally
from edge.model.frame import Stamps

NOW = 50_000_000_000
MS = 1_000_000


def numbered(*driver: int) -> list[int]:
    numbers = FrameNumbers()
    return [numbers.next_for(one) for one in driver]


@pytest.mark.parametrize(
    ("driver", "ours"),
    [
        ((0, 1, 2), [0, 1, 2]),
        ((7, 8, 11), [0, 1, 4]),
        (((1 << 32) - 2, (1 << 32) - 1, 0, 2), [0, 1, 2, 4]),
        ((5, 5, 5), [0, 1, 2]),
        ((9, 8, 9), [0, 1, 2]),
        ((0, 5000, 5001), [0, 1, 2]),
    ],
)
def test_frame_numbers_keep_gaps_and_survive_wrap_repeat_and_leap(driver: tuple[int, ...], ours: list[int]) -> None:
    assert numbered(*driver) == ours


def test_frame_numbers_go_on_when_the_driver_begins_anew() -> None:
    numbers = FrameNumbers()
    numbers.next_for(10)
    numbers.next_for(11)
    numbers.restart()
    assert numbers.next_for(300) == 2


def test_a_true_stamp_is_taken_as_it_is() -> None:
    tally = Tally()
    assert tally.stamps(NOW - 12 * MS, monotonic=True, now_ns=NOW) == Stamps(NOW - 12 * MS, NOW)
    assert tally.damage.odd_stamps == 0


def test_a_stamp_that_runs_a_little_ahead_is_drawn_back_to_now() -> None:
    tally = Tally()
    assert tally.stamps(NOW + 20 * MS, monotonic=True, now_ns=NOW) == Stamps(NOW, NOW)
    assert tally.damage.odd_stamps == 0


@pytest.mark.parametrize(
    ("stamp", "monotonic"),
    [(NOW + 21 * MS, True), (NOW - 2001 * MS, True), (0, True), (NOW - MS, False), (1_795_000_000 * 10**9, False)],
)
def test_a_stamp_that_cannot_be_true_gives_way_to_the_time_of_taking(stamp: int, monotonic: bool) -> None:
    tally = Tally()
    assert tally.stamps(stamp, monotonic=monotonic, now_ns=NOW) == Stamps(NOW, NOW)
    assert tally.damage.odd_stamps == 1


@pytest.mark.parametrize("second", [NOW - 30 * MS, NOW - 40 * MS])
def test_a_stamp_that_does_not_rise_gives_way_too(second: int) -> None:
    tally = Tally()
    tally.stamps(NOW - 30 * MS, monotonic=True, now_ns=NOW)
    assert tally.stamps(second, monotonic=True, now_ns=NOW + MS) == Stamps(NOW + MS, NOW + MS)
    assert tally.damage.odd_stamps == 1


def test_times_rise_even_when_the_clock_stands() -> None:
    tally = Tally()
    first = tally.stamps(0, monotonic=False, now_ns=NOW)
    second = tally.stamps(0, monotonic=False, now_ns=NOW)
    assert second.captured_ns == first.captured_ns + 1
    assert second.dequeued_ns >= second.captured_ns
