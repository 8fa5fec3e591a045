"""Devices are found by what they are, not by their number."""

from __future__ import annotations

import errno

import pytest

from board.v4l2.abi.requests import Vidioc
from board.v4l2.finder import Finder, look_around
from edge.model.errors import DeviceGone
from tests.board.kit import HandClock
from tests.board.v4l2.drivers.unicam import UnicamTc358743
from tests.board.v4l2.kit import PROFILES


@pytest.fixture
def driver() -> UnicamTc358743:
    return UnicamTc358743(clock=HandClock())


def finder(driver: UnicamTc358743, wanted: str = "") -> Finder:
    return Finder(kernel=driver.kernel, profiles=PROFILES, wanted=wanted)


def test_the_first_that_captures_is_taken_when_nothing_is_wished(driver: UnicamTc358743) -> None:
    assert finder(driver).find() == driver.path


def test_a_driver_a_card_and_a_bus_are_names(driver: UnicamTc358743) -> None:
    (seen,) = look_around(driver.kernel)
    assert seen.card is not None
    for name in (seen.card.driver, seen.card.name, seen.card.bus):
        assert finder(driver, name).find() == driver.path


def test_a_path_is_taken_as_it_is_even_before_it_exists(driver: UnicamTc358743) -> None:
    assert finder(driver, "/dev/v4l/by-path/nothing").find() == "/dev/v4l/by-path/nothing"


def test_what_is_not_there_is_named_with_what_is(driver: UnicamTc358743) -> None:
    with pytest.raises(DeviceGone, match=r"no capture device 'vivid'; there is .*unicam"):
        finder(driver, "vivid").find()


def test_without_any_device_it_says_so(driver: UnicamTc358743) -> None:
    driver.kernel.vanish()
    with pytest.raises(DeviceGone, match="no capture device; there is none"):
        finder(driver).find()


def test_a_node_that_cannot_be_asked_is_shown_with_the_reason(driver: UnicamTc358743) -> None:
    driver.kernel.fail(Vidioc.QUERYCAP, errno.EIO, times=1)
    (seen,) = look_around(driver.kernel)
    assert seen.card is None
    assert driver.path in seen.trouble
    assert driver.kernel.open_paths == []
