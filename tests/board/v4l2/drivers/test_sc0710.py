"""The card that never stops."""

from __future__ import annotations

import errno

import pytest

from board.v4l2.abi import structs as s
from board.v4l2.abi.codes import DV_INTERLACED, InputStatus
from board.v4l2.abi.requests import Vidioc
from tests.board.kit import HandClock
from tests.board.v4l2.drivers.modes import HD720P60, HD1080I50, HD1080P60
from tests.board.v4l2.drivers.program import Program
from tests.board.v4l2.drivers.sc0710 import STATUS_IMAGE, Sc0710


@pytest.fixture
def driver() -> Sc0710:
    return Sc0710(clock=HandClock())


@pytest.fixture
def program(driver: Sc0710) -> Program:
    return Program(driver.kernel, driver.path)


def test_no_signal_is_enodata_and_a_status_image(driver: Sc0710, program: Program) -> None:
    with pytest.raises(OSError, match="No data") as refused:
        program.query()
    assert refused.value.errno == errno.ENODATA
    assert program.node.do(Vidioc.ENUMINPUT, s.Input()).status == InputStatus.NO_SIGNAL
    program.start("YUYV")
    assert program.wait_picture(1)
    assert program.maps[program.take().index][1000] == STATUS_IMAGE


def test_it_follows_the_signal_at_once_and_takes_no_timings(driver: Sc0710, program: Program) -> None:
    program.subscribe()
    driver.plug(HD720P60)
    assert program.wait_event(0)
    assert program.query().bt.width == 1280
    assert program.format("YUYV").pix.width == 1280
    with pytest.raises(OSError, match="Invalid") as refused:
        program.timings.do(Vidioc.S_DV_TIMINGS, HD1080P60.exact())
    assert refused.value.errno == errno.EINVAL


def test_it_takes_interlaced_signals(driver: Sc0710, program: Program) -> None:
    driver.plug(HD1080I50)
    assert program.query().bt.interlaced == DV_INTERLACED
