"""Fixtures of the V4L2 source over a TC358743 on a Raspberry Pi 4."""

from __future__ import annotations

import pytest

from board.v4l2.source import V4l2Source
from tests.board.kit import HandClock
from tests.board.v4l2.drivers.modes import HD1080P50
from tests.board.v4l2.drivers.unicam import UnicamTc358743
from tests.board.v4l2.kit import first_frame, frames, source_of


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def driver(clock: HandClock) -> UnicamTc358743:
    driver = UnicamTc358743(clock=clock)
    driver.plug(HD1080P50)
    return driver


@pytest.fixture
def source(driver: UnicamTc358743, clock: HandClock) -> V4l2Source:
    return source_of(driver, clock=clock)


@pytest.fixture
def running(source: V4l2Source, clock: HandClock) -> V4l2Source:
    source.open()
    first_frame(source, clock)
    frames(source, clock, 1)
    return source
