"""The source on a Raspberry Pi 5: pictures from one node, the signal from another, links and pads between them."""

from __future__ import annotations

import pytest

from board.v4l2.abi.requests import MediaIoc
from board.v4l2.source import V4l2Source
from edge.model.errors import DeviceGone
from edge.model.frame import Frame
from edge.model.signal import SignalState
from edge.model.video import Colorimetry, Pixel, Range
from tests.board.kit import HandClock
from tests.board.v4l2.drivers.modes import HD720P60, HD1080P60, Mode
from tests.board.v4l2.drivers.rp1_cfe import Rp1Cfe
from tests.board.v4l2.kit import source_of, taken


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def driver(clock: HandClock) -> Rp1Cfe:
    driver = Rp1Cfe(clock=clock)
    driver.free_running = True
    driver.plug(HD1080P60)
    return driver


@pytest.fixture
def source(driver: Rp1Cfe, clock: HandClock) -> V4l2Source:
    source = source_of(driver, clock=clock)
    source.open()
    return source


def first_frame(source: V4l2Source, clock: HandClock, mode: Mode | None = None) -> Frame:
    for one in taken(source, 20, clock=clock):
        if isinstance(one, Frame):
            one.lease.release()
            if mode is None or one.format.height == mode.height:
                return one
    raise AssertionError(f"no frame; {source.detail()}")


def test_pictures_come_once_pads_and_links_are_set(source: V4l2Source, clock: HandClock, driver: Rp1Cfe) -> None:
    frame = first_frame(source, clock)
    assert (frame.format.width, frame.format.height) == (1920, 1080)
    assert (frame.format.pixel, frame.format.colorimetry) == (Pixel.UYVY422, Colorimetry.BT601)
    assert frame.format.range is Range.LIMITED
    assert source.detail()["node"].startswith("/dev/char/")


def test_the_edid_goes_to_the_bridge(source: V4l2Source, driver: Rp1Cfe) -> None:
    assert source.detail()["edid"] == "written"


def test_a_cable_that_goes_is_told_and_comes_back(source: V4l2Source, clock: HandClock, driver: Rp1Cfe) -> None:
    first_frame(source, clock)
    driver.unplug()
    states = {one.state for one in taken(source, 4, clock=clock) if not isinstance(one, Frame)}
    assert states <= {SignalState.NO_CABLE, SignalState.NO_SIGNAL, SignalState.NO_LOCK}
    assert states
    driver.plug(HD720P60)
    assert first_frame(source, clock, HD720P60).discontinuity


def test_a_link_that_is_refused_is_told_and_tried_again(clock: HandClock) -> None:
    driver = Rp1Cfe(clock=clock)
    driver.free_running = True
    driver.plug(HD1080P60)
    driver.kernel.fail(MediaIoc.SETUP_LINK, 16, times=1)
    source = source_of(driver, clock=clock)
    source.open()
    said = [one.detail for one in taken(source, 4, clock=clock) if not isinstance(one, Frame)]
    assert any("cannot be switched" in sentence for sentence in said)
    first_frame(source, clock)
    source.close()
    assert driver.kernel.open_paths == []


def test_no_bridge_is_no_device(clock: HandClock) -> None:
    driver = Rp1Cfe(clock=clock, bridge_name="imx708")
    source = source_of(driver, clock=clock)
    with pytest.raises(DeviceGone, match="no tc358743 on rp1-cfe"):
        source.open()
    assert driver.kernel.open_paths == []
