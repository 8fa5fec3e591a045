"""What is known of the signal over time."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from edge.media.signal_book import SignalBook
from edge.model.signal import Signal, SignalState
from tests.fakes import FakeClock, make_frame

OFF = Signal(SignalState.NO_SIGNAL, "off")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def book(clock: FakeClock) -> SignalBook:
    return SignalBook(clock=clock)


def test_a_frame_is_the_evidence_of_lock(clock: FakeClock, book: SignalBook) -> None:
    frame = make_frame(clock)
    book.note_signal(OFF)
    book.note_frame(frame)
    assert book.signal == Signal(SignalState.LOCKED, format=frame.format)
    assert book.last_good == frame.format


def test_a_sentence_about_a_lock_goes_when_pictures_flow(clock: FakeClock, book: SignalBook) -> None:
    frame = make_frame(clock)
    book.note_frame(frame)
    book.note_signal(Signal(SignalState.LOCKED, "locked, but no pictures yet", frame.format))
    changes = book.report().lock_changes
    book.note_frame(make_frame(clock, seq=2))
    assert book.signal.detail == ""
    assert book.report().lock_changes == changes


def test_the_format_of_a_lock_that_was_announced_is_the_last_good_one(clock: FakeClock, book: SignalBook) -> None:
    frame = make_frame(clock)
    book.note_signal(Signal(SignalState.LOCKED, format=frame.format))
    book.note_frame(frame)
    assert book.last_good == frame.format


def test_another_format_is_a_change_and_begins_the_rate_anew(clock: FakeClock, book: SignalBook) -> None:
    for seq in range(20):
        clock.advance(20)
        book.note_frame(make_frame(clock, seq=seq))
    assert book.report().measured_fps == pytest.approx(50)
    before = book.report().lock_changes
    frame = make_frame(clock, seq=20)
    book.note_frame(replace(frame, format=replace(frame.format, fps=Fraction(7))))
    assert book.report().lock_changes == before + 1
    assert book.report().measured_fps is None


def test_a_loss_has_no_format_and_its_age_counts_from_the_change(clock: FakeClock, book: SignalBook) -> None:
    frame = make_frame(clock)
    book.note_frame(frame)
    book.note_signal(replace(OFF, format=frame.format))
    clock.advance(3000)
    book.note_signal(OFF)
    report = book.report()
    assert report.signal == OFF
    assert report.last_change_age_s == 3
    assert report.last_good == frame.format


def test_a_gap_is_what_is_missing_between_frames_but_not_across_a_loss(clock: FakeClock, book: SignalBook) -> None:
    for seq in (1, 4):
        book.note_frame(make_frame(clock, seq=seq))
    book.note_signal(OFF)
    book.note_frame(make_frame(clock, seq=90))
    assert book.report().gaps == 2
