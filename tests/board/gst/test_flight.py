from __future__ import annotations

from board.gst.flight import Flight, InFlight


def picture(index: int) -> InFlight:
    return InFlight(running_ns=index * 16_666_667, pts=index * 1500, given_ns=10**12 + index)


def test_a_unit_gets_the_pts_of_the_picture_with_its_time() -> None:
    flight = Flight()
    flight.give(picture(0))
    flight.give(picture(1))
    assert not flight.known
    assert (flight.take(0), len(flight)) == (0, 1)
    assert flight.oldest_ns == 10**12 + 1
    assert (flight.take(16_666_667), len(flight)) == (1500, 0)


def test_a_driver_that_keeps_microseconds_is_understood() -> None:
    flight = Flight()
    flight.give(picture(1))
    assert flight.take(16_666_000) == 1500


def test_a_time_of_no_picture_belongs_to_none() -> None:
    flight = Flight()
    flight.give(picture(0))
    assert (flight.take(8_000_000), len(flight)) == (None, 1)


def test_a_picture_that_the_encoder_skipped_does_not_stay_inside() -> None:
    flight = Flight()
    for index in range(3):
        flight.give(picture(index))
    assert (flight.take(picture(2).running_ns), len(flight)) == (3000, 0)


def test_an_encoder_that_answers_each_picture_has_no_delay() -> None:
    flight = Flight()
    for index in range(20):
        flight.give(picture(index))
        flight.take(picture(index).running_ns)
    assert flight.delay == 0


def test_a_picture_kept_back_each_time_is_delay_after_some_looks_only() -> None:
    flight = Flight()
    delays = []
    for index in range(12):
        flight.give(picture(index))
        if index:
            flight.take(picture(index - 1).running_ns)
        delays.append(flight.delay)
    assert delays == [0] * 4 + [1] * 8
    assert flight.known


def test_one_slow_picture_is_no_delay_and_a_faster_encoder_loses_its_delay() -> None:
    flight = Flight()
    for index in range(20):
        flight.give(picture(index))
        if index:
            flight.take(picture(index - 1).running_ns)
    assert flight.delay == 1
    flight.take(picture(19).running_ns)
    flight.give(picture(20))
    assert flight.delay == 0
