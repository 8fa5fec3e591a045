"""One open node and what errors mean."""

from __future__ import annotations

import ctypes
import errno

import pytest

from board.v4l2.abi.requests import Vidioc
from board.v4l2.abi.structs import Capability
from board.v4l2.node import Node, gone, means_gone, means_not_offered
from edge.model.errors import DeviceGone
from tests.board.kit import HandClock
from tests.board.v4l2.drivers.unicam import UnicamTc358743


@pytest.fixture
def driver() -> UnicamTc358743:
    return UnicamTc358743(clock=HandClock())


def test_a_request_gives_back_its_argument_as_filled(driver: UnicamTc358743) -> None:
    with Node(driver.path, kernel=driver.kernel) as node:
        assert node.do(Vidioc.QUERYCAP, Capability()).driver == b"unicam"
        assert node.do_int(Vidioc.G_INPUT, 7) == 0
    assert driver.kernel.open_paths == []


def test_a_closed_node_is_gone_and_closes_once(driver: UnicamTc358743) -> None:
    node = Node(driver.path, kernel=driver.kernel)
    node.close()
    node.close()
    with pytest.raises(DeviceGone, match="/dev/video0 is closed"):
        node.do_int(Vidioc.G_INPUT, 0)


@pytest.mark.parametrize(
    ("number", "is_gone", "not_offered"),
    [
        (errno.ENODEV, True, False),
        (errno.ENXIO, True, False),
        (errno.EBADF, True, False),
        (errno.EIO, False, False),
        (errno.EBUSY, False, False),
        (errno.ENOTTY, False, True),
        (errno.ENODATA, False, True),
        (errno.EINVAL, False, True),
    ],
)
def test_what_an_errno_means(number: int, is_gone: bool, not_offered: bool) -> None:
    error = OSError(number, "")
    assert (means_gone(error), means_not_offered(error)) == (is_gone, not_offered)


def test_a_lost_device_names_what_was_being_done() -> None:
    lost = gone("/dev/video9", "has gone", OSError(errno.ENODEV, ""))
    assert (str(lost), lost.code) == ("/dev/video9: has gone: No such device", "device_gone")


def test_an_int_goes_out_and_comes_back(driver: UnicamTc358743) -> None:
    def double(file: object, value: ctypes.c_int) -> None:
        value.value *= 2

    driver.requests[Vidioc.S_INPUT] = double  # type: ignore[assignment]
    assert Node(driver.path, kernel=driver.kernel).do_int(Vidioc.S_INPUT, 21) == 42
