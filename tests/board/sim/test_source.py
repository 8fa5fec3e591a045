from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from board.sim.script import FaultScript
from board.sim.source import SimSource
from edge.model.errors import DeviceGone, Invalid
from edge.model.frame import Frame
from edge.model.signal import Signal, SignalState
from edge.model.video import Colorimetry
from edge.ports import Faultable, Source
from tests.board.kit import BlockPainter, HandClock, next_frame, next_signal, strip_us


def sim(clock: HandClock, **more: Any) -> SimSource:
    settings: dict[str, Any] = {"width": 512, "height": 64, "fps": 50, **more}
    source = SimSource(clock=clock, painter=BlockPainter(), wait=clock.advance, **settings)
    source.open()
    return source


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


def content(frame: Frame) -> bytes:
    return b"".join(bytes(plane.memory) for plane in frame.lease.planes)


def test_it_is_a_source_and_obeys_faults(clock: HandClock) -> None:
    source: Source = sim(clock)
    assert isinstance(source, Faultable)


def test_frames_come_exactly_at_their_deadlines(clock: HandClock) -> None:
    source = sim(clock, fps=Fraction(60000, 1001))
    start_ns = clock.now_ns
    for index in range(600):
        frame = next_frame(source)
        assert frame.stamps.captured_ns == start_ns + -(-index * 1001 * 1_000_000_000 // 60000)
        assert frame.stamps.dequeued_ns == clock.now_ns
        frame.lease.release()
    assert source.dropped == 0


def test_the_strip_says_when_the_frame_was_captured(clock: HandClock) -> None:
    source = sim(clock)
    for _ in range(20):
        frame = next_frame(source)
        assert frame.utc_ns == clock.utc_ns(frame.stamps.captured_ns)
        assert strip_us(frame) == frame.utc_ns // 1000
        frame.lease.release()


def test_nothing_happens_before_the_deadline(clock: HandClock) -> None:
    source = sim(clock)
    next_frame(source).lease.release()
    assert source.read(0.001) is None
    assert source.read(0) is None


def test_a_late_reader_gets_the_newest_frame_and_a_gap(clock: HandClock) -> None:
    source = sim(clock)
    first = next_frame(source)
    clock.advance(0.135)
    second = source.read(0.5)
    assert isinstance(second, Frame)
    assert second.stamps.captured_ns == first.stamps.captured_ns + 6 * 20_000_000
    assert second.seq == first.seq + 6
    assert source.dropped == 5


def test_without_a_free_buffer_frames_are_dropped_and_counted(clock: HandClock) -> None:
    source = sim(clock, buffers=2)
    held = [next_frame(source), next_frame(source)]
    before = [content(frame) for frame in held]
    assert source.read(0.1) is None
    assert source.dropped == 5
    assert [content(frame) for frame in held] == before
    held[0].lease.release()
    assert next_frame(source).seq == held[1].seq + 6


@pytest.mark.parametrize("kind", ["no_signal", "no_lock", "no_cable", "out_of_range"])
def test_without_signal_the_reason_comes_at_once_and_no_frames(clock: HandClock, kind: str) -> None:
    source = sim(clock)
    next_frame(source).lease.release()
    source.fault(kind, 2.0)
    began_ns = clock.now_ns
    taken = source.read(0.5)
    assert isinstance(taken, Signal)
    assert taken.state is SignalState(kind)
    assert taken.detail
    assert source.signal() == taken
    assert clock.now_ns == began_ns
    assert source.read(0.5) == taken
    assert clock.now_ns == began_ns + 500_000_000


def test_after_the_loss_frames_go_on_as_a_cut_without_a_gap(clock: HandClock) -> None:
    source = sim(clock)
    before = next_frame(source)
    source.fault("no_signal", 2.0)
    next_signal(source)
    after = next_frame(source)
    assert after.discontinuity
    assert after.seq == before.seq + 1
    assert after.stamps.captured_ns == before.stamps.captured_ns + 2_000_000_000
    assert source.signal().locked
    assert not next_frame(source).discontinuity


def test_a_stall_says_nothing_at_all(clock: HandClock) -> None:
    source = sim(clock)
    first = next_frame(source)
    source.fault("stall", 1.0)
    assert [source.read(0.3) for _ in range(3)] == [None] * 3
    assert source.signal().locked
    assert next_frame(source).seq - first.seq > 40


def test_a_freeze_repeats_the_same_picture_with_new_stamps(clock: HandClock) -> None:
    source = sim(clock)
    for _ in range(3):
        last = next_frame(source)
        picture = content(last)
        last.lease.release()
    source.fault("freeze", 1.0)
    frozen = [next_frame(source) for _ in range(5)]
    assert {content(frame) for frame in frozen} == {picture}
    stamps = [frame.stamps.captured_ns for frame in frozen]
    assert stamps == [last.stamps.captured_ns + 20_000_000 * n for n in range(1, 6)]
    assert [frame.utc_ns for frame in frozen] == [clock.utc_ns(stamp) for stamp in stamps]
    for frame in frozen:
        frame.lease.release()
    clock.advance(1)
    thawed = next_frame(source)
    assert strip_us(thawed) == thawed.utc_ns // 1000


def test_a_freeze_from_the_start_keeps_the_first_picture(clock: HandClock) -> None:
    source = sim(clock)
    source.fault("freeze", None)
    assert content(next_frame(source)) == content(next_frame(source))


def test_a_mode_change_shows_in_the_frames_and_goes_back(clock: HandClock) -> None:
    source = sim(clock)
    old = next_frame(source)
    source.fault("mode:1280x720@25", 1.0)
    frame = next_frame(source)
    assert frame.format == replace(old.format, width=1280, height=720, fps=Fraction(25))
    assert source.signal().format == frame.format
    assert frame.discontinuity
    assert frame.lease.generation == old.lease.generation + 1
    assert content(old)
    assert next_frame(source).stamps.captured_ns == frame.stamps.captured_ns + 40_000_000
    clock.advance(1)
    assert next_frame(source).format == old.format


def test_a_device_that_is_gone_must_be_opened_again(clock: HandClock) -> None:
    source = sim(clock)
    source.fault("gone", 2.0)
    with pytest.raises(DeviceGone):
        source.read(0.1)
    assert source.signal().state is SignalState.NO_DEVICE
    with pytest.raises(DeviceGone):
        source.open()
    clock.advance(2.0)
    with pytest.raises(DeviceGone):
        source.read(0.1)
    source.open()
    assert next_frame(source).discontinuity


def test_no_buffer_is_lost_over_faults(clock: HandClock) -> None:
    source = sim(clock, buffers=2)
    for kind in ("no_signal", "stall", "freeze", "clear") * 5:
        source.fault(kind, 0.1)
        for _ in range(10):
            if isinstance(taken := source.read(0.03), Frame):
                taken.lease.release()
    source.fault("clear", None)
    held = [next_frame(source), next_frame(source)]
    assert len(held) == 2


def test_a_script_is_played_from_open(clock: HandClock) -> None:
    source = sim(clock, script=FaultScript.parse("1 no_cable 1\n3 gone 1\n", where="x"))
    assert next_frame(source).seq == 0
    assert next_signal(source).state is SignalState.NO_CABLE
    next_frame(source).lease.release()
    with pytest.raises(DeviceGone):
        next_signal(source)


def test_an_unknown_fault_changes_nothing(clock: HandClock) -> None:
    source = sim(clock)
    with pytest.raises(Invalid, match="unknown fault 'blackout'; allowed: no_signal"):
        source.fault("blackout", None)
    with pytest.raises(Invalid, match="above 0"):
        source.fault("stall", 0)
    assert next_frame(source)


def test_a_size_that_cannot_be_drawn_is_refused(clock: HandClock) -> None:
    with pytest.raises(Invalid, match="sides must be even"):
        sim(clock, width=513)


def test_colorimetry_is_what_was_asked_for(clock: HandClock) -> None:
    assert next_frame(sim(clock, colorimetry=Colorimetry.BT601)).format.colorimetry is Colorimetry.BT601
