"""The driver's events: another signal, or a control that changed by itself."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

from board.v4l2.abi import structs as s
from board.v4l2.abi.codes import Cid, EventType
from board.v4l2.abi.requests import Vidioc
from board.v4l2.node import Node, means_gone

_MANY = 64  # a driver's queue is shorter; one that never empties must not hold us


@dataclass(frozen=True, slots=True)
class Happened:
    """What the events since the last look told."""

    source_changed: bool = False
    power_changed: bool = False

    def __bool__(self) -> bool:
        return self.source_changed or self.power_changed


def subscribe(node: Node, input_index: int) -> bool:
    """Whether the driver tells of another signal by itself; the change of +5 V comes beside it where it is known."""
    power = s.EventSubscription(type=EventType.CTRL, id=Cid.DV_RX_POWER_PRESENT)
    with contextlib.suppress(OSError):
        node.do(Vidioc.SUBSCRIBE_EVENT, power)
    try:
        node.do(Vidioc.SUBSCRIBE_EVENT, s.EventSubscription(type=EventType.SOURCE_CHANGE, id=input_index))
    except OSError:
        return False
    return True


def take_events(node: Node) -> Happened:
    """Empty the driver's queue. Raises OSError when the device is gone."""
    source = power = False
    for _ in range(_MANY):
        event = s.Event()
        try:
            node.do(Vidioc.DQEVENT, event)
        except OSError as error:
            if means_gone(error):
                raise
            break
        source = source or event.type in (EventType.SOURCE_CHANGE, EventType.EOS)
        power = power or event.type == EventType.CTRL
    return Happened(source, power)
