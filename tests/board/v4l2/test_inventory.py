"""What is attached is shown with its signal, and with the reason where it cannot be used."""

from __future__ import annotations

import pytest

from board.v4l2.abi.codes import Colorspace
from board.v4l2.inventory import Device, inventory
from edge.model.signal import SignalState
from tests.board.kit import HandClock
from tests.board.v4l2.drivers.capture import PixelCode
from tests.board.v4l2.drivers.modes import HD1080P50
from tests.board.v4l2.drivers.unicam import UnicamTc358743
from tests.board.v4l2.kit import PROFILES, source_of


@pytest.fixture
def driver() -> UnicamTc358743:
    return UnicamTc358743(clock=HandClock())


def only(driver: UnicamTc358743) -> Device:
    (device,) = inventory(driver.kernel, PROFILES)
    return device


def test_a_receiver_is_known_by_its_driver_and_its_memory_is_looked_at(driver: UnicamTc358743) -> None:
    device = only(driver)
    assert device.known_as == "Raspberry Pi CSI-2 receiver"
    assert device.edid == b""  # as after every power-up
    assert device.usable_formats[0] == "UYVY"
    assert device.why_not == ""
    assert driver.kernel.open_paths == []


def test_its_signal_is_that_of_now(driver: UnicamTc358743) -> None:
    source = source_of(driver, clock=HandClock())
    source.open()  # writes an EDID, so that the source sends
    driver.plug(HD1080P50)
    driver.kernel.poll({}, 3)
    signal = only(driver).signal
    source.close()
    assert signal is not None
    assert signal.state is SignalState.LOCKED
    assert str(signal.timings) == "1920x1080p50"


def test_a_device_without_a_format_that_we_know_says_what_it_has(driver: UnicamTc358743) -> None:
    driver.codes = (PixelCode("Y16 ", 2, Colorspace.RAW),)
    assert only(driver).why_not == "offers only Y16, none of which is understood"


def test_a_device_that_goes_meanwhile_is_shown_with_the_reason(driver: UnicamTc358743) -> None:
    driver.kernel.vanish()
    assert list(inventory(driver.kernel, PROFILES)) == []
