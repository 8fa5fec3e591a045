"""One lock from start to stop."""

from __future__ import annotations

import errno

import pytest

from board.v4l2.abi.requests import Vidioc
from board.v4l2.pictures import Overrule
from board.v4l2.probe import Reading
from board.v4l2.receiver import Receiver, ReceiverWish
from board.v4l2.session import Session
from board.v4l2.tally import Tally
from edge.model.errors import DeviceGone
from edge.model.signal import SignalState
from tests.board.kit import HandClock
from tests.board.v4l2.drivers.sc0710 import Sc0710
from tests.board.v4l2.kit import PROFILES

LOCKED = Reading(SignalState.LOCKED)


@pytest.fixture
def driver() -> Sc0710:
    driver = Sc0710(clock=HandClock())
    driver.free_running = False
    return driver


@pytest.fixture
def tally() -> Tally:
    return Tally()


def session_of(driver: Sc0710, tally: Tally) -> Session:
    receiver = Receiver(driver.path, kernel=driver.kernel, profiles=PROFILES, wish=ReceiverWish())
    clock = driver.kernel.clock
    return Session(receiver, LOCKED, modes=(), overrule=Overrule(), clock=clock, tally=tally, generation=1)


def test_it_gives_the_newest_picture_and_passes_over_the_others(driver: Sc0710, tally: Tally) -> None:
    session = session_of(driver, tally)
    assert session.take(trusted=True) == []
    assert not session.gave
    for _ in range(3):
        driver.push_frame()
        driver.kernel.clock.advance(0.02)
    (frame,) = session.take(trusted=True)
    assert tally.damage.passed == 2
    assert session.gave
    assert (session.code, session.interlaced, session.on_loan) == ("YUYV", False, 1)
    frame.lease.release()
    assert session.on_loan == 0


def test_pictures_of_a_doubtful_time_go_back_at_once_and_leave_the_cut(driver: Sc0710, tally: Tally) -> None:
    session = session_of(driver, tally)
    driver.push_frame()
    assert session.take(trusted=False) == []
    assert (session.on_loan, tally.damage.passed, session.gave) == (0, 1, False)
    driver.push_frame()
    assert session.take(trusted=True)[0].discontinuity


def test_damaged_pictures_are_counted_and_hide_no_sound_one(driver: Sc0710, tally: Tally) -> None:
    session = session_of(driver, tally)
    for damaged in (True, False, True):
        driver.push_frame(damaged=damaged)
    assert len(session.take(trusted=True)) == 1
    assert (tally.damage.corrupt, tally.damage.passed, session.on_loan) == (2, 0, 1)


@pytest.mark.parametrize("sound_before", [0, 2])
def test_a_stream_that_fails_is_broken_and_keeps_no_buffer(driver: Sc0710, tally: Tally, sound_before: int) -> None:
    session = session_of(driver, tally)
    for _ in range(sound_before):
        driver.push_frame()
    driver.kernel.fail(Vidioc.DQBUF, errno.EIO, after=sound_before)
    assert session.take(trusted=True) == []
    assert session.broken
    assert session.on_loan == 0
    assert tally.damage.last == "the stream has failed: Input/output error"
    driver.push_frame()
    assert session.take(trusted=True) == []


def test_a_device_that_has_gone_is_told_apart_from_a_stream_that_failed(driver: Sc0710, tally: Tally) -> None:
    session = session_of(driver, tally)
    driver.kernel.vanish()
    with pytest.raises(OSError, match="No such device"):
        session.take(trusted=True)
    session.stop()


def test_a_refused_start_says_why_and_leaves_nothing(driver: Sc0710, tally: Tally) -> None:
    driver.kernel.fail(Vidioc.STREAMON, errno.ENOSPC)
    with pytest.raises(DeviceGone) as refused:
        session_of(driver, tally)
    assert refused.value.code == "start_failed"
    assert str(refused.value) == "/dev/video2: capture does not start: the USB bus has no room for this mode"
    assert not driver.queue.allocated


@pytest.mark.parametrize("request_", [Vidioc.G_FMT, Vidioc.S_FMT, Vidioc.REQBUFS, Vidioc.QBUF, Vidioc.STREAMON])
def test_a_device_that_goes_while_it_starts_is_gone(driver: Sc0710, tally: Tally, request_: Vidioc) -> None:
    driver.kernel.vanish_on(request_)
    with pytest.raises(OSError, match="No such device"):
        session_of(driver, tally)
