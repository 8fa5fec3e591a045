"""When a change of the signal is believed."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from board.v4l2.probe import Reading
from board.v4l2.timings import Timings
from board.v4l2.watch import SignalWatch
from edge.model.signal import SignalState

MS = 1_000_000
HD = Reading(SignalState.LOCKED, timings=Timings(1920, 1080, Fraction(60), False, 148_500_000))
NEARLY_HD = Reading(SignalState.LOCKED, timings=Timings(1920, 1080, Fraction(6001, 100), False, 148_520_000))
SMALL = Reading(SignalState.LOCKED, timings=Timings(1280, 720, Fraction(60), False, 74_250_000))
NONE = Reading(SignalState.NO_SIGNAL, "the cable carries no signal")


def settled_on(reading: Reading, *, until_ms: int = 150) -> SignalWatch:
    watch = SignalWatch(0)
    assert not watch.seen(reading, 0)
    assert watch.seen(reading, until_ms * MS)
    return watch


def test_nothing_is_believed_before_two_looks_150_ms_apart_agree() -> None:
    watch = SignalWatch(0)
    assert watch.doubtful
    assert watch.due_ns() == 0
    assert not watch.seen(HD, 0)
    assert watch.due_ns() == 150 * MS
    assert not watch.seen(HD, 149 * MS)
    assert watch.due_ns() == 150 * MS
    assert watch.seen(HD, 150 * MS)
    assert watch.settled is HD
    assert not watch.doubtful
    assert watch.due_ns() == 1150 * MS


def test_a_receiver_that_measures_may_err_a_little() -> None:
    watch = settled_on(HD)
    assert not watch.seen(NEARLY_HD, 1150 * MS)
    assert not watch.doubtful


def test_an_event_makes_doubt_and_a_look_at_once() -> None:
    watch = settled_on(HD)
    watch.note_event(400 * MS)
    assert watch.doubtful
    assert watch.due_ns() == 400 * MS


def test_after_an_event_even_the_same_reading_needs_two_looks() -> None:
    watch = settled_on(HD)
    watch.note_event(400 * MS)
    assert not watch.seen(HD, 400 * MS)
    assert watch.doubtful
    assert not watch.seen(HD, 550 * MS)
    assert not watch.doubtful
    assert watch.settled is HD


def test_a_burst_of_events_makes_one_change() -> None:
    watch = settled_on(HD)
    changes = 0
    for now_ms in range(1000, 1100, 20):
        watch.note_event(now_ms * MS)
        changes += watch.seen(SMALL, now_ms * MS)
    for now_ms in range(1100, 1500, 20):
        if watch.due_ns() <= now_ms * MS:
            changes += watch.seen(SMALL, now_ms * MS)
    assert changes == 1
    assert watch.settled is SMALL


def test_one_bad_look_is_forgotten_with_the_next_good_one() -> None:
    watch = settled_on(HD)
    assert not watch.seen(NONE, 1150 * MS)
    assert watch.doubtful
    assert watch.due_ns() == 1300 * MS
    assert not watch.seen(HD, 1300 * MS)
    assert not watch.doubtful
    assert watch.settled is HD


def test_the_bad_look_of_before_is_no_witness_for_a_later_one() -> None:
    watch = settled_on(HD)
    watch.seen(NONE, 1150 * MS)
    watch.seen(HD, 1300 * MS)
    assert not watch.seen(NONE, 2300 * MS)
    assert watch.settled is HD


def test_a_loss_without_event_is_believed_at_the_second_look() -> None:
    watch = settled_on(HD)
    assert not watch.seen(NONE, 1150 * MS)
    assert watch.seen(NONE, 1300 * MS)
    assert watch.settled is NONE


def test_another_sentence_is_another_reading() -> None:
    other = replace(NONE, detail="what is connected is switched off")
    watch = settled_on(NONE)
    watch.seen(other, 1150 * MS)
    assert watch.seen(other, 1300 * MS)


def test_a_busy_driver_is_asked_once_a_second_while_all_is_well_and_soon_in_doubt() -> None:
    watch = settled_on(HD)
    assert not watch.seen(None, 1150 * MS)
    assert not watch.doubtful
    assert watch.due_ns() == 2150 * MS
    watch.note_event(1200 * MS)
    assert not watch.seen(None, 1200 * MS)
    assert watch.due_ns() == 1350 * MS


def test_looks_that_never_agree_leave_it_undecided_and_then_the_first_that_do_count_as_new() -> None:
    watch = settled_on(HD)
    watch.note_event(1000 * MS)
    for turn, now_ms in enumerate(range(1000, 2500, 150)):
        assert not watch.undecided(now_ms * MS)
        assert not watch.seen((HD, NONE)[turn % 2], now_ms * MS)
    assert watch.undecided(2500 * MS)
    watch.forget(2500 * MS)
    assert not watch.undecided(2501 * MS)
    watch.seen(HD, 2600 * MS)
    assert watch.seen(HD, 2750 * MS)


def test_what_is_settled_is_never_undecided() -> None:
    assert not settled_on(HD).undecided(10**15)
