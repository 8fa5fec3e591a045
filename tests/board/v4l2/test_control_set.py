"""Controls are set to the nearest that they can take, and what became of a wish is told."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from dataclasses import replace

import pytest

from board.v4l2.abi.codes import Cid
from board.v4l2.abi.requests import Vidioc
from board.v4l2.control_set import ControlSet, ControlWish
from board.v4l2.node import Node
from tests.board.kit import HandClock
from tests.board.v4l2.drivers.bcm2835_codec import ENCODE
from tests.board.v4l2.drivers.codec import CodecNode
from tests.board.v4l2.drivers.codec_controls import BUTTON, Control, menu
from tests.board.v4l2.drivers.kernel import FakeKernel

KNOWN = {
    Cid.MPEG_VIDEO_BITRATE: Control(25_000, 1_000_000, 100_000, 25_000),
    Cid.MPEG_VIDEO_H264_PROFILE: menu(0, 2, 4, default=4),
    Cid.MPEG_VIDEO_FORCE_KEY_FRAME: BUTTON,
}


@pytest.fixture
def kernel() -> FakeKernel:
    return FakeKernel(clock=HandClock())


@pytest.fixture
def controls(kernel: FakeKernel) -> Iterator[ControlSet]:
    kernel.add("/dev/video0", CodecNode(kernel, replace(ENCODE, controls=KNOWN)))
    with Node("/dev/video0", kernel=kernel) as node:
        yield ControlSet(node)


def test_value_that_is_taken_says_nothing(controls: ControlSet) -> None:
    controls.apply(ControlWish(Cid.MPEG_VIDEO_BITRATE, 500_000))
    assert (controls.disobeyed, controls.unknown) == ([], [])


@pytest.mark.parametrize(
    ("wish", "set_to"), [(2_000_000, 1_000_000), (1, 25_000), (510_000, 500_000), (515_000, 525_000)]
)
def test_number_beyond_what_is_there_becomes_the_nearest(controls: ControlSet, wish: int, set_to: int) -> None:
    controls.apply(ControlWish(Cid.MPEG_VIDEO_BITRATE, wish))
    assert controls.disobeyed == [f"MPEG_VIDEO_BITRATE: {set_to} instead of {wish}"]


def test_entry_that_a_menu_has_not_is_replaced_and_told(controls: ControlSet) -> None:
    controls.apply(ControlWish(Cid.MPEG_VIDEO_H264_PROFILE, 1, instead=(0, 2)))
    assert controls.disobeyed == ["MPEG_VIDEO_H264_PROFILE: 0 instead of 1"]
    controls.apply(ControlWish(Cid.MPEG_VIDEO_H264_PROFILE, 3))
    assert controls.disobeyed[1:] == ["MPEG_VIDEO_H264_PROFILE = 3: Invalid argument"]


def test_control_that_is_not_there_is_told_apart(controls: ControlSet, kernel: FakeKernel) -> None:
    controls.apply(ControlWish(Cid.MPEG_VIDEO_GOP_SIZE, 60))
    assert (controls.disobeyed, controls.unknown) == ([], ["MPEG_VIDEO_GOP_SIZE"])
    assert not controls.has(Cid.MPEG_VIDEO_GOP_SIZE)
    assert kernel.count(Vidioc.QUERYCTRL) == 1


def test_refused_change_is_the_drivers_error(controls: ControlSet, kernel: FakeKernel) -> None:
    controls.change(Cid.MPEG_VIDEO_BITRATE, 200_000)
    kernel.fail(Vidioc.S_CTRL, errno.EBUSY)
    with pytest.raises(OSError, match="busy"):
        controls.change(Cid.MPEG_VIDEO_BITRATE, 300_000)
    with pytest.raises(OSError, match="Invalid"):
        controls.change(Cid.MPEG_VIDEO_GOP_SIZE, 60)


@pytest.mark.parametrize("request_", [Vidioc.QUERYCTRL, Vidioc.S_CTRL, Vidioc.G_CTRL])
def test_device_lost_is_no_disobedience(controls: ControlSet, kernel: FakeKernel, request_: Vidioc) -> None:
    kernel.vanish_on(request_)
    with pytest.raises(OSError, match="No such device"):
        controls.apply(ControlWish(Cid.MPEG_VIDEO_BITRATE, 500_000))


def test_value_that_cannot_be_read_back_is_believed(controls: ControlSet, kernel: FakeKernel) -> None:
    kernel.fail(Vidioc.G_CTRL, errno.EACCES)
    controls.apply(ControlWish(Cid.MPEG_VIDEO_BITRATE, 500_000))
    assert controls.disobeyed == []


def test_button_is_pressed(controls: ControlSet, kernel: FakeKernel) -> None:
    controls.press(Cid.MPEG_VIDEO_FORCE_KEY_FRAME)
    assert kernel.count(Vidioc.S_CTRL) == 1
