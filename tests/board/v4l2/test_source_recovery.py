"""The source over drivers made of Python: every recovery, every way to lose the device."""

from __future__ import annotations

import errno
import threading

import pytest

from board.v4l2.abi.codes import EventType
from board.v4l2.abi.requests import Vidioc
from board.v4l2.receiver import ReceiverWish
from board.v4l2.source import V4l2Source, V4l2Wish
from edge.model.errors import DeviceGone, NotSupported, Unavailable
from edge.model.frame import Frame
from edge.model.signal import Signal, SignalState
from tests.board.kit import HandClock
from tests.board.v4l2.drivers.capture import Identity
from tests.board.v4l2.drivers.modes import HD720P60, HD1080P50
from tests.board.v4l2.drivers.unicam import UnicamTc358743
from tests.board.v4l2.kit import climbing, first_frame, frames, source_of, state, taken, until


class TestRecovery:
    def test_the_ladder_is_climbed_in_order_and_ends_with_the_first_picture(
        self, running: V4l2Source, driver: UnicamTc358743, clock: HandClock
    ) -> None:
        driver.free_running = False
        tried = climbing(running, 6)
        assert tried == ["requery", "restart_stream", "reopen", "reset_subdevice", "requery", "restart_stream"]
        assert running.signal() == Signal(SignalState.NO_LOCK, "the receiver reports a lock but delivers no pictures")
        assert running.detail()["recovery_rounds"] == 1
        driver.free_running = True
        first_frame(running, clock, seconds=60)
        frames(running, clock, 9)
        assert running.detail()["recovery"] != ""
        frames(running, clock, 2)
        assert running.detail()["recovery"] == ""
        assert running.detail()["recovery_rounds"] == 0

    def test_each_means_does_what_it_says(self, running: V4l2Source, driver: UnicamTc358743) -> None:
        driver.free_running = False
        kernel = driver.kernel
        counted = (Vidioc.QUERY_DV_TIMINGS, Vidioc.STREAMON, Vidioc.ENUM_FMT, Vidioc.S_EDID)
        effects = []
        for step in ("requery", "restart_stream", "reopen", "reset_subdevice"):
            before = {one: kernel.count(one) for one in counted}
            assert climbing(running, 1) == [step]
            running.read(0.3)
            effects.append({one for one in counted if kernel.count(one) > before[one]})
        requery, restart, reopen, reset = effects
        assert requery == {Vidioc.QUERY_DV_TIMINGS}
        assert restart >= {Vidioc.STREAMON}
        assert Vidioc.ENUM_FMT not in restart
        assert reopen >= {Vidioc.STREAMON, Vidioc.ENUM_FMT}
        assert Vidioc.S_EDID not in reopen
        assert reset >= {Vidioc.ENUM_FMT, Vidioc.S_EDID}
        assert kernel.open_paths == [driver.path]

    def test_a_usb_device_is_taken_away_and_brought_back_as_the_last_means(
        self, driver: UnicamTc358743, clock: HandClock
    ) -> None:
        driver.identity = Identity("uvcvideo", "HDMI dongle", "usb-1")
        rebound: list[str] = []

        def rebind(path: str) -> bool:
            rebound.append(path)
            driver.kernel.vanish()
            return True

        source = source_of(driver, clock=clock, rebind=rebind, wish=V4l2Wish())
        driver.free_running = False
        source.open()
        with pytest.raises(DeviceGone, match="no such device"):
            climbing(source, 10)
        assert rebound == [driver.path]
        assert source.signal().state is SignalState.NO_DEVICE
        assert driver.kernel.open_paths == []

    def test_pictures_that_were_passed_over_in_doubt_are_not_missed(
        self, running: V4l2Source, driver: UnicamTc358743, clock: HandClock
    ) -> None:
        """Doubt as long as the patience: the first step comes only when pictures stay away after it."""
        driver.fps = HD1080P50.fps / 10  # the next picture is not there in the moment in which doubt ends
        frames(running, clock, 1)
        for turn in range(10):
            driver.kernel.after(turn / 10, lambda: driver.bridge.tell(EventType.SOURCE_CHANGE))
        frames(running, clock, 3)
        assert running.detail()["recovery"] == ""
        assert running.signal().locked

    def test_it_never_gives_up(self, running: V4l2Source, driver: UnicamTc358743, clock: HandClock) -> None:
        driver.free_running = False
        for _ in taken(running, 600, clock=clock):
            pass
        driver.free_running = True
        first_frame(running, clock, seconds=60)

    def test_a_bounce_that_stops_the_bridge_is_mended_within_three_seconds(
        self, running: V4l2Source, driver: UnicamTc358743, clock: HandClock
    ) -> None:
        """The TC358743 stops at the loss and starts only when it is told to, though the mode is the same."""
        driver.bridge.csi_on = False
        driver.bridge.tell(EventType.SOURCE_CHANGE)
        before = clock.mono_ns()
        frame = until(running, clock, lambda one: isinstance(one, Frame) and one.discontinuity, seconds=5)
        assert isinstance(frame, Frame)
        assert clock.mono_ns() - before < 3_000_000_000

    def test_a_broken_queue_is_started_anew(
        self, running: V4l2Source, driver: UnicamTc358743, clock: HandClock
    ) -> None:
        driver.break_queue()
        began_ns = clock.now_ns
        frame = until(running, clock, lambda one: isinstance(one, Frame) and one.discontinuity, seconds=5)
        assert isinstance(frame, Frame)
        assert clock.now_ns - began_ns < 500_000_000, "a stream that has failed is no reason to wait"
        assert running.detail()["recovery"] == ""

    def test_a_queue_that_breaks_whenever_it_starts_climbs_the_ladder(
        self, running: V4l2Source, driver: UnicamTc358743
    ) -> None:
        driver.kernel.fail(Vidioc.DQBUF, errno.EPIPE, times=1000)
        for _ in range(40):
            running.read(0.2)
        assert running.detail()["recovery"] != ""

    def test_a_failing_dqbuf_is_no_lost_device(
        self, running: V4l2Source, driver: UnicamTc358743, clock: HandClock
    ) -> None:
        driver.kernel.fail(Vidioc.DQBUF, errno.EPIPE)
        until(running, clock, lambda one: isinstance(one, Frame) and one.discontinuity, seconds=5)
        assert "the stream has failed" in running.detail()["trouble"] or running.signal().locked

    @pytest.mark.parametrize(
        ("request_", "number", "sentence"),
        [
            (Vidioc.STREAMON, errno.EPIPE, "the parts of the receiver are not set to one format"),
            (Vidioc.STREAMON, errno.ENOSPC, "the USB bus has no room for this mode"),
            (Vidioc.STREAMON, errno.EINVAL, "the receiver refuses this mode; it may have too few lanes for it"),
            (Vidioc.REQBUFS, errno.EBUSY, "another program uses the device"),
            (Vidioc.REQBUFS, errno.ENOMEM, "not enough contiguous memory for the frame buffers"),
            (Vidioc.S_FMT, errno.EBUSY, "another program uses the device"),
            (Vidioc.QBUF, errno.EIO, "Input/output error"),
        ],
    )
    def test_a_start_that_is_refused_says_why_and_is_tried_again(
        self,
        source: V4l2Source,
        driver: UnicamTc358743,
        clock: HandClock,
        request_: Vidioc,
        number: int,
        sentence: str,
    ) -> None:
        driver.kernel.fail(request_, number)
        source.open()
        signal = state(source, clock, SignalState.NO_LOCK)
        assert signal.detail == f"/dev/video0: capture does not start: {sentence}"
        assert source.detail()["trouble"] == signal.detail
        assert not driver.queue.allocated
        first_frame(source, clock, seconds=10)
        assert source.detail()["trouble"] == ""

    def test_a_mode_that_cannot_be_had_stays_out_of_range_and_is_tried_without_stronger_means(
        self, source: V4l2Source, driver: UnicamTc358743, clock: HandClock
    ) -> None:
        fit, driver.fit = driver.fit, lambda width, height: (width // 2, height)  # type: ignore[method-assign]
        source.open()
        signal = state(source, clock, SignalState.OUT_OF_RANGE)
        assert "/dev/video0 makes 960x1080 of UYVY 1920x1080" in signal.detail
        said = set(taken(source, 30, clock=clock))
        assert said == {signal}
        assert source.detail()["recovery"] == ""
        driver.fit = fit  # type: ignore[method-assign]
        first_frame(source, clock, seconds=5)

    def test_a_refusal_is_forgotten_when_the_signal_goes(
        self, source: V4l2Source, driver: UnicamTc358743, clock: HandClock
    ) -> None:
        driver.kernel.fail(Vidioc.STREAMON, errno.EPIPE, times=100)
        source.open()
        state(source, clock, SignalState.NO_LOCK)
        driver.unplug()
        state(source, clock, SignalState.NO_CABLE)
        assert source.detail()["trouble"] == ""

    def test_release_from_other_threads_while_a_stream_is_stopped_and_started_harms_nothing(
        self, running: V4l2Source, driver: UnicamTc358743, clock: HandClock
    ) -> None:
        held = [one for one in taken(running, 0.2, clock=clock) if isinstance(one, Frame)][:4]
        threads = [threading.Thread(target=frame.lease.release) for frame in held]
        driver.plug(HD720P60)
        for thread in threads:
            thread.start()
        until(running, clock, lambda one: isinstance(one, Frame) and one.format.width == 1280)
        for thread in threads:
            thread.join(20)
        assert running.detail()["buffers_on_loan"] == 0

    def test_buffers_that_nobody_gives_back_are_no_fault_of_the_device(
        self, running: V4l2Source, driver: UnicamTc358743, clock: HandClock
    ) -> None:
        held = [one for one in taken(running, 4, clock=clock) if isinstance(one, Frame)]
        assert len(held) == running.detail()["buffers_on_loan"] == 6
        assert running.signal().locked
        held.pop().lease.release()
        held.append(first_frame(running, clock, seconds=1))
        assert running.detail()["recovery"] == ""

    def test_buffers_that_are_lost_for_good_do_not_stop_pictures_for_ever(
        self, running: V4l2Source, clock: HandClock
    ) -> None:
        held = [one for one in taken(running, 4, clock=clock) if isinstance(one, Frame)]
        signal = state(running, clock, SignalState.NO_LOCK, seconds=10)
        assert signal.detail == "no pictures: all buffers of the driver are in use"
        assert first_frame(running, clock, seconds=3).discontinuity
        for frame in held:
            frame.lease.release()


class TestDevice:
    def test_a_device_that_is_not_there_is_gone(self, driver: UnicamTc358743, source: V4l2Source) -> None:
        driver.kernel.vanish()
        with pytest.raises(DeviceGone, match="/dev/video0: no such device"):
            source.open()
        assert source.signal().state is SignalState.NO_DEVICE

    OPENING = (
        Vidioc.QUERYCAP,
        Vidioc.ENUMINPUT,
        Vidioc.G_INPUT,
        Vidioc.ENUM_FMT,
        Vidioc.G_EDID,
        Vidioc.S_EDID,
    )
    LATER = (
        Vidioc.SUBSCRIBE_EVENT,
        Vidioc.G_CTRL,
        Vidioc.QUERY_DV_TIMINGS,
        Vidioc.S_DV_TIMINGS,
        Vidioc.S_FMT,
        Vidioc.REQBUFS,
        Vidioc.QUERYBUF,
        Vidioc.QBUF,
        Vidioc.STREAMON,
        Vidioc.DQBUF,
        Vidioc.DQEVENT,
    )

    @pytest.mark.parametrize(
        ("request_", "after"),
        [*((one, 0) for one in (*OPENING, *LATER)), *((one, 1) for one in (*OPENING[:-1], *LATER))],
    )
    def test_a_device_that_goes_in_the_middle_of_a_request_leaves_nothing_behind_and_can_come_back(
        self, driver: UnicamTc358743, source: V4l2Source, clock: HandClock, request_: Vidioc, after: int
    ) -> None:
        driver.kernel.vanish_on(request_, after=after)
        with pytest.raises(DeviceGone, match="/dev/video0"):
            self._use(source, driver, clock)
        assert driver.kernel.open_paths == []
        assert source.signal().state is SignalState.NO_DEVICE
        source.close()
        driver.kernel.come_back()
        driver.plug(HD1080P50)
        source.open()
        assert first_frame(source, clock).discontinuity
        source.close()
        assert driver.kernel.open_paths == []

    def _use(self, source: V4l2Source, driver: UnicamTc358743, clock: HandClock) -> None:
        for _ in range(3):
            source.open()
            first_frame(source, clock)
            driver.plug(HD720P60)
            frames(source, clock, 3)
            driver.plug(HD1080P50)
            frames(source, clock, 3)

    def test_two_opens_are_as_one(self, running: V4l2Source, driver: UnicamTc358743, clock: HandClock) -> None:
        running.open()
        assert driver.kernel.open_paths == [driver.path]
        assert first_frame(running, clock).discontinuity

    def test_close_gives_everything_back(self, running: V4l2Source, driver: UnicamTc358743) -> None:
        running.close()
        running.close()
        assert driver.kernel.open_paths == []
        assert not driver.queue.allocated
        with pytest.raises(Unavailable, match="is closed"):
            running.read(0.1)

    def test_close_from_another_thread_ends_a_read(self, running: V4l2Source, driver: UnicamTc358743) -> None:
        driver.free_running = False
        outcome: list[object] = []
        reading = threading.Event()

        def read_on() -> None:
            try:
                while True:
                    reading.set()
                    running.read(1000)
            except Unavailable as error:
                outcome.append(error)

        reader = threading.Thread(target=read_on)
        reader.start()
        reading.wait(20)
        running.close()
        reader.join(20)
        assert [str(error) for error in outcome] == ["the capture device is closed"]
        assert driver.kernel.open_paths == []

    def test_an_input_that_does_not_exist_is_refused_by_name(self, driver: UnicamTc358743, clock: HandClock) -> None:
        source = source_of(driver, clock=clock, wish=V4l2Wish(ReceiverWish(input_index=3)))
        with pytest.raises(NotSupported, match=r"/dev/video0 has no input 3; there is 0 \(Camera 0\)"):
            source.open()
        assert driver.kernel.open_paths == []

    def test_detail_tells_of_device_and_signal_and_holds_no_edid(self, running: V4l2Source) -> None:
        detail = running.detail()
        assert detail["driver"] == "unicam"
        assert detail["node"] == "/dev/video0"
        assert detail["timings"] == "1920x1080p50"
        assert detail["pixel_format"] == "UYVY"
        assert detail["edid"] == "written"
        assert all(isinstance(value, str | int | bool) for value in detail.values())
