"""The source over drivers made of Python: every signal, its pictures."""

from __future__ import annotations

import errno
from collections.abc import Callable
from itertools import pairwise

import pytest

from board.v4l2.abi.codes import EventType
from board.v4l2.abi.requests import Vidioc
from board.v4l2.source import V4l2Source
from edge.model.frame import Frame
from edge.model.signal import Signal, SignalState
from edge.model.video import Colorimetry, Pixel
from tests.board.kit import HandClock
from tests.board.v4l2.drivers.modes import HD720P60, HD1080I50, HD1080P50, HD1080P60, UHD2160P30, Mode
from tests.board.v4l2.drivers.sc0710 import Sc0710
from tests.board.v4l2.drivers.unicam import UnicamTc358743
from tests.board.v4l2.kit import first_frame, frames, source_of, state, taken, until


class TestSignal:
    def test_a_plugged_source_is_locked_with_the_bridges_colours(self, source: V4l2Source, clock: HandClock) -> None:
        source.open()
        frame = first_frame(source, clock)
        assert (frame.format.width, frame.format.height, frame.format.fps) == (1920, 1080, 50)
        assert frame.format.pixel is Pixel.UYVY422
        assert frame.format.colorimetry is Colorimetry.BT601
        assert source.signal() == Signal(SignalState.LOCKED, format=frame.format)

    def test_before_anything_is_known_a_read_says_nothing(self, source: V4l2Source) -> None:
        source.open()
        assert source.read(0.05) is None

    @pytest.mark.parametrize(
        ("arrange", "signal"),
        [
            (
                lambda driver: driver.unplug(),
                Signal(SignalState.NO_CABLE, "no 5 V from the source: its cable is out or it is off"),
            ),
            (lambda driver: driver.plug(None), Signal(SignalState.NO_SIGNAL, "the cable carries no signal")),
            (
                lambda driver: driver.bridge.sync(False),
                Signal(SignalState.NO_LOCK, "a signal is there but the receiver cannot lock on to it"),
            ),
            (  # the TC358743 counts half the rate of an interlaced signal
                lambda driver: driver.plug(HD1080I50),
                Signal(SignalState.OUT_OF_RANGE, "1920x1080i24.98 is interlaced, which this receiver does not take"),
            ),
            (
                lambda driver: driver.plug(UHD2160P30),
                Signal(SignalState.OUT_OF_RANGE, "3840x2160p30 is too large; at most 1920x1200"),
            ),
        ],
    )
    def test_every_loss_has_its_state_and_sentence(
        self,
        running: V4l2Source,
        driver: UnicamTc358743,
        clock: HandClock,
        arrange: Callable[[UnicamTc358743], None],
        signal: Signal,
    ) -> None:
        arrange(driver)
        assert state(running, clock, signal.state, seconds=3) == signal
        assert running.read(0.2) == signal
        assert running.signal() == signal

    def test_pictures_that_just_stop_end_in_a_state_within_two_seconds(
        self, running: V4l2Source, driver: UnicamTc358743, clock: HandClock
    ) -> None:
        driver.unplug()
        lost_ns = clock.mono_ns()
        state(running, clock, SignalState.NO_CABLE)
        assert clock.mono_ns() - lost_ns < 2_000_000_000

    def test_a_signal_that_comes_back_gives_pictures_that_begin_with_a_cut(
        self, running: V4l2Source, driver: UnicamTc358743, clock: HandClock
    ) -> None:
        last = frames(running, clock, 0.2)[-1]
        driver.cable(False)
        state(running, clock, SignalState.NO_CABLE)
        driver.cable(True)
        frame = first_frame(running, clock, seconds=3)
        assert frame.discontinuity
        assert frame.seq > last.seq
        assert frame.stamps.captured_ns > last.stamps.captured_ns
        assert frame.lease.generation > last.lease.generation
        assert not any(one.discontinuity for one in frames(running, clock, 1))

    def test_another_mode_is_another_format(
        self, running: V4l2Source, driver: UnicamTc358743, clock: HandClock
    ) -> None:
        driver.plug(HD720P60)
        frame = until(running, clock, lambda one: isinstance(one, Frame) and one.format.width == 1280, seconds=4)
        assert isinstance(frame, Frame)
        assert (frame.format.height, frame.format.fps) == (720, 60)
        assert frame.discontinuity

    def test_the_two_events_of_a_change_make_one_restart(
        self, running: V4l2Source, driver: UnicamTc358743, clock: HandClock
    ) -> None:
        before = driver.kernel.count(Vidioc.STREAMON)
        driver.plug(HD720P60)
        frames(running, clock, 4)
        assert driver.kernel.count(Vidioc.STREAMON) == before + 1

    def test_one_bad_look_raises_no_alarm_and_no_picture_of_that_time_is_shown(
        self, running: V4l2Source, driver: UnicamTc358743, clock: HandClock
    ) -> None:
        looks = driver.kernel.count(Vidioc.QUERY_DV_TIMINGS)
        driver.kernel.fail(Vidioc.QUERY_DV_TIMINGS, errno.ENOLCK)
        times = [frame.stamps.captured_ns for frame in frames(running, clock, 3)]
        assert running.signal().locked
        gaps = [later - earlier for earlier, later in pairwise(times)]
        assert 150_000_000 <= max(gaps) < 300_000_000  # shorter than what brings the slate
        assert driver.kernel.count(Vidioc.QUERY_DV_TIMINGS) > looks
        assert running.detail()["passed_over"] > 0

    def test_a_cut_is_not_lost_in_the_pictures_that_are_passed_over(
        self, source: V4l2Source, driver: UnicamTc358743, clock: HandClock
    ) -> None:
        source.open()
        while not driver.queue.streaming:
            source.read(0.01)
        driver.bridge.tell(EventType.SOURCE_CHANGE)
        assert first_frame(source, clock).discontinuity

    def test_a_busy_driver_changes_nothing(self, running: V4l2Source, driver: UnicamTc358743, clock: HandClock) -> None:
        driver.kernel.fail(Vidioc.QUERY_DV_TIMINGS, errno.EBUSY, times=10)
        assert len(frames(running, clock, 5)) > 240

    def test_a_driver_that_cannot_look_while_it_streams_is_stopped_and_looked_at(
        self, running: V4l2Source, driver: UnicamTc358743, clock: HandClock
    ) -> None:
        look = driver.requests[Vidioc.QUERY_DV_TIMINGS]

        def only_when_stopped(file: object, into: object) -> None:
            if driver.queue.streaming:
                raise OSError(errno.EBUSY, "busy")
            look(file, into)  # type: ignore[arg-type]

        driver.requests[Vidioc.QUERY_DV_TIMINGS] = only_when_stopped
        driver.bridge.tell(EventType.SOURCE_CHANGE)
        signal = state(running, clock, SignalState.NO_LOCK)
        assert signal.detail == "the receiver gives no steady answer about its signal"
        assert first_frame(running, clock, seconds=2).discontinuity

    def test_a_signal_that_never_settles_is_said_to_be_unsteady_and_taken_when_it_does(
        self, running: V4l2Source, driver: UnicamTc358743, clock: HandClock
    ) -> None:
        def flap(turn: int) -> None:
            driver.bridge.in_sync = bool(turn % 2)
            driver.bridge.tell(EventType.SOURCE_CHANGE)
            if turn < 60:
                driver.kernel.after(0.1, lambda: flap(turn + 1))

        flap(1)
        state(running, clock, SignalState.NO_LOCK, seconds=3)
        driver.kernel.poll({}, 6)
        driver.bridge.in_sync = True
        assert first_frame(running, clock, seconds=4).discontinuity

    def test_a_card_that_paints_its_own_picture_shows_none_of_it(self, clock: HandClock) -> None:
        driver = Sc0710(clock=clock)
        driver.plug(HD1080P60)
        source = source_of(driver, clock=clock)
        source.open()
        first_frame(source, clock)
        driver.unplug()
        signal = state(source, clock, SignalState.NO_CABLE)
        assert signal.detail.startswith("no 5 V")
        assert frames(source, clock, 3) == []


class TestPictures:
    def test_a_lease_of_an_old_generation_stays_readable_and_its_late_release_harms_nobody(
        self, running: V4l2Source, driver: UnicamTc358743, clock: HandClock
    ) -> None:
        held = next(one for one in taken(running, 1, clock=clock) if isinstance(one, Frame))
        before = bytes(held.lease.planes[0].memory)
        driver.plug(HD720P60)
        until(running, clock, lambda one: isinstance(one, Frame) and one.format.width == 1280)
        assert bytes(held.lease.planes[0].memory) == before
        calls = driver.kernel.count(Vidioc.QBUF)
        held.lease.release()
        assert driver.kernel.count(Vidioc.QBUF) == calls
        assert len(frames(running, clock, 1)) > 45

    @pytest.mark.parametrize(
        ("push", "counted"), [({"short": 1}, "short_frames"), ({"damaged": True}, "corrupt_frames")]
    )
    def test_a_short_or_damaged_picture_is_counted_and_not_shown(
        self,
        running: V4l2Source,
        driver: UnicamTc358743,
        clock: HandClock,
        push: dict[str, int],
        counted: str,
    ) -> None:
        driver.free_running = False
        frames(running, clock, 0.1)
        driver.push_frame(**push)  # type: ignore[arg-type]
        assert frames(running, clock, 0.1) == []
        assert running.detail()[counted] == 1
        driver.push_frame()
        assert len(frames(running, clock, 0.1)) == 1
        assert running.detail()["buffers_on_loan"] == 0

    def test_of_pictures_that_pile_up_only_the_newest_is_shown_and_the_gap_is_kept(
        self, running: V4l2Source, driver: UnicamTc358743, clock: HandClock
    ) -> None:
        driver.free_running = False
        frames(running, clock, 0.2)
        driver.push_frame()
        (before,) = frames(running, clock, 0.1)
        for _ in range(4):
            driver.push_frame()
        (newest,) = frames(running, clock, 0.1)
        assert newest.seq == before.seq + 4
        assert running.detail()["passed_over"] >= 3

    def test_a_damaged_newest_picture_does_not_hide_a_sound_one(
        self, running: V4l2Source, driver: UnicamTc358743, clock: HandClock
    ) -> None:
        driver.free_running = False
        frames(running, clock, 0.1)
        driver.push_frame()
        driver.push_frame(damaged=True)
        assert len(frames(running, clock, 0.1)) == 1


def test_a_mode_beyond_the_lanes_names_them(clock: HandClock) -> None:
    driver = UnicamTc358743(clock=clock, lanes=2)
    driver.plug(HD1080P60)
    source = source_of(driver, clock=clock)
    source.open()
    assert "too few lanes" in state(source, clock, SignalState.NO_LOCK).detail


def test_modes_are_told_apart_by_their_rate(running: V4l2Source, driver: UnicamTc358743, clock: HandClock) -> None:
    driver.plug(Mode(1920, 1080, HD1080P50.fps / 2, 2640, 1125))
    until(running, clock, lambda one: isinstance(one, Frame) and one.format.fps == 25, seconds=4)
