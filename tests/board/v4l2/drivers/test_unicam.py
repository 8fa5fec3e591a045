"""The Pi 4 driver behaves as the facts about it say."""

from __future__ import annotations

import errno

import pytest

from board.v4l2.abi import structs as s
from board.v4l2.abi.codes import BufType, Cid, Colorspace, EventType, InputStatus
from board.v4l2.abi.requests import Vidioc
from tests.board.kit import HandClock
from tests.board.v4l2.drivers.modes import HD720P60, HD1080I50, HD1080P50, HD1080P60, HD1080P5994, UHD2160P30, Mode
from tests.board.v4l2.drivers.program import EDID, Program
from tests.board.v4l2.drivers.unicam import UnicamTc358743


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def driver(clock: HandClock) -> UnicamTc358743:
    return UnicamTc358743(clock=clock)


@pytest.fixture
def program(driver: UnicamTc358743) -> Program:
    return Program(driver.kernel, driver.path)


def settle(program: Program, seconds: float = 3) -> None:
    program.kernel.poll({}, seconds)


def refused(deed: object) -> int:
    with pytest.raises(OSError, match=r"Errno") as error:
        deed()  # type: ignore[operator]
    assert error.value.errno is not None
    return error.value.errno


def locked(program: Program, driver: UnicamTc358743, mode: Mode = HD1080P50) -> None:
    program.write_edid()
    driver.plug(mode)
    settle(program)
    program.adopt()
    program.start()


def test_an_empty_edid_memory_keeps_the_source_silent(program: Program, driver: UnicamTc358743) -> None:
    driver.plug(HD1080P50)
    settle(program)
    assert refused(program.read_edid) == errno.ENODATA
    assert refused(program.query) == errno.ENOLINK
    program.write_edid()
    assert program.read_edid() == EDID
    assert refused(program.query) == errno.ENOLINK
    settle(program, 0.11)
    assert program.query().bt.width == 1920


def test_too_long_an_edid_tells_how_many_blocks_fit(program: Program) -> None:
    asked = s.Edid(blocks=9)
    assert refused(lambda: program.node.do(Vidioc.S_EDID, asked)) == errno.E2BIG
    assert asked.blocks == 8


def test_timings_carry_all_blanking_in_the_sync_and_a_whole_rate(program: Program, driver: UnicamTc358743) -> None:
    program.write_edid()
    driver.plug(HD1080P5994)
    settle(program)
    bt = program.query().bt
    assert (bt.hfrontporch, bt.hsync, bt.hbackporch) == (0, 280, 0)
    assert (bt.vfrontporch, bt.vsync, bt.vbackporch) == (0, 45, 0)
    assert bt.pixelclock == 2200 * 1125 * 60


@pytest.mark.parametrize("mode", [HD1080I50, UHD2160P30])
def test_interlaced_and_too_large_signals_are_out_of_range_and_described(
    program: Program, driver: UnicamTc358743, mode: Mode
) -> None:
    program.write_edid()
    driver.plug(mode)
    settle(program)
    seen = s.DvTimings()
    assert refused(lambda: program.node.do(Vidioc.QUERY_DV_TIMINGS, seen)) == errno.ERANGE
    assert (seen.bt.width, seen.bt.height) == (mode.width, mode.height)


def test_a_signal_without_sync_is_no_lock(program: Program, driver: UnicamTc358743) -> None:
    program.write_edid()
    driver.plug(HD1080P50)
    settle(program)
    driver.sync(False)
    assert refused(program.query) == errno.ENOLCK
    assert program.node.do(Vidioc.ENUMINPUT, s.Input()).status == InputStatus.NO_SYNC
    driver.unplug()
    assert program.node.do(Vidioc.ENUMINPUT, s.Input()).status == InputStatus.NO_SIGNAL


def test_pictures_just_stop_when_the_signal_goes(program: Program, driver: UnicamTc358743) -> None:
    locked(program, driver)
    assert program.wait_picture(1)
    driver.unplug()
    while True:
        try:
            program.queue(program.take().index)
        except BlockingIOError:
            break
    assert not program.wait_picture(5)
    assert refused(program.take) == errno.EAGAIN


def test_a_loss_that_the_driver_has_noticed_needs_a_new_start(program: Program, driver: UnicamTc358743) -> None:
    locked(program, driver)
    driver.cable(False)
    settle(program)
    driver.cable(True)
    settle(program)
    assert program.query().bt.width == 1920
    assert not driver.delivers
    program.stream(on=False)
    for index in range(4):
        program.queue(index)
    program.stream()
    assert program.wait_picture(1)


def test_events_come_up_to_a_second_late_and_more_than_once(
    program: Program, driver: UnicamTc358743, clock: HandClock
) -> None:
    program.write_edid()
    driver.plug(HD1080P50)
    settle(program, 3.3)
    program.subscribe()
    before = clock.mono_ns()
    driver.plug(HD720P60)
    assert program.wait_event(5)
    assert 0 < clock.mono_ns() - before <= 1_000_000_000
    assert program.event().src_changes == 1
    assert program.wait_event(0.5)
    program.event()
    assert refused(program.event) == errno.ENOENT


def test_power_follows_the_cable_and_has_its_event(program: Program, driver: UnicamTc358743) -> None:
    program.subscribe(EventType.CTRL, Cid.DV_RX_POWER_PRESENT)
    assert program.power() == 0
    driver.plug(None)
    assert program.wait_event(1)
    assert program.event().id == Cid.DV_RX_POWER_PRESENT
    assert program.power() == 1


def test_other_timings_are_busy_while_buffers_are_allocated(program: Program, driver: UnicamTc358743) -> None:
    locked(program, driver)
    same = program.query()
    program.node.do(Vidioc.S_DV_TIMINGS, same)
    driver.plug(HD720P60)
    settle(program)
    assert refused(program.adopt) == errno.EBUSY
    program.stream(on=False)
    assert refused(program.adopt) == errno.EBUSY
    program.allocate(0)
    program.adopt()
    assert program.format().pix.width == 1280


def test_writing_the_edid_while_streaming_interrupts_the_signal(program: Program, driver: UnicamTc358743) -> None:
    locked(program, driver)
    program.write_edid(EDID[::-1])
    assert refused(program.query) == errno.ENOLINK
    settle(program, 0.11)
    assert program.query().bt.width == 1920


def test_uyvy_is_bt601_in_padded_rows_whatever_was_asked_for(program: Program, driver: UnicamTc358743) -> None:
    program.write_edid()
    driver.plug(Mode(1366, 768, HD720P60.fps, 1792, 798))
    settle(program)
    program.adopt()
    pix = program.format(width=640, height=480).pix
    assert (pix.width, pix.height) == (1366, 768)
    assert pix.bytesperline == 1376 * 2
    assert pix.colorspace == Colorspace.SMPTE170M
    assert program.format("RGB3").pix.colorspace == Colorspace.SRGB


def test_two_lanes_are_too_few_for_1080p60(program: Program, driver: UnicamTc358743) -> None:
    program.write_edid()
    driver.plug(HD1080P60)
    settle(program)
    program.adopt()
    assert refused(program.start) == errno.EINVAL


def test_there_is_no_frame_interval(program: Program) -> None:
    parm = s.v4l2_streamparm(type=BufType.VIDEO_CAPTURE)
    assert refused(lambda: program.node.do(Vidioc.G_PARM, parm)) == errno.ENOTTY
