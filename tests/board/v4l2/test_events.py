"""The driver's events."""

from __future__ import annotations

import errno

import pytest

from board.v4l2.abi.codes import Cid, EventType
from board.v4l2.abi.requests import Vidioc
from board.v4l2.events import Happened, subscribe, take_events
from board.v4l2.node import Node
from tests.board.kit import HandClock
from tests.board.v4l2.drivers.unicam import UnicamTc358743


@pytest.fixture
def driver() -> UnicamTc358743:
    return UnicamTc358743(clock=HandClock())


@pytest.fixture
def node(driver: UnicamTc358743) -> Node:
    return Node(driver.path, kernel=driver.kernel)


def test_nothing_has_happened_where_the_queue_is_empty(node: Node) -> None:
    assert subscribe(node, 0)
    assert not take_events(node)


def test_signal_and_power_are_told_apart_and_taken_once(driver: UnicamTc358743, node: Node) -> None:
    subscribe(node, 0)
    driver.bridge.tell(EventType.SOURCE_CHANGE)
    assert take_events(node) == Happened(source_changed=True)
    driver.bridge.tell(EventType.CTRL, Cid.DV_RX_POWER_PRESENT)
    assert take_events(node) == Happened(power_changed=True)
    assert take_events(node) == Happened()


def test_a_driver_without_source_change_is_known_by_its_refusal(driver: UnicamTc358743, node: Node) -> None:
    assert not subscribe(node, 7)


def test_a_driver_without_the_power_control_still_tells_of_its_signal(driver: UnicamTc358743, node: Node) -> None:
    driver.kernel.fail(Vidioc.SUBSCRIBE_EVENT, errno.EINVAL)
    assert subscribe(node, 0)


def test_a_device_that_has_gone_says_so(driver: UnicamTc358743, node: Node) -> None:
    driver.kernel.vanish()
    with pytest.raises(OSError, match="No such device"):
        take_events(node)


def test_a_queue_that_never_empties_is_left(driver: UnicamTc358743, node: Node) -> None:
    def always(file: object, into: object) -> None:
        into.type = EventType.SOURCE_CHANGE  # type: ignore[attr-defined]

    driver.requests[Vidioc.DQEVENT] = always
    assert take_events(node) == Happened(source_changed=True)
    assert driver.kernel.count(Vidioc.DQEVENT) == 64
