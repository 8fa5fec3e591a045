"""The controls of a node: which there are, what they can take, what the driver makes of a value."""

from __future__ import annotations

import os
from dataclasses import dataclass

from board.v4l2.abi import structs as s
from board.v4l2.abi.codes import CTRL_DISABLED, CTRL_READ_ONLY, Cid
from board.v4l2.abi.requests import Vidioc
from board.v4l2.node import Node, means_gone

_BUTTON = 4  # V4L2_CTRL_TYPE_BUTTON


@dataclass(frozen=True, slots=True)
class ControlWish:
    """A value that a control shall have. `instead`: values to try where the driver has not this one."""

    cid: Cid
    value: int
    instead: tuple[int, ...] = ()


class ControlSet:
    """`unknown` and `disobeyed` tell, as sentences, what of the wishes did not come true. Raises OSError when gone."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._known: dict[Cid, s.v4l2_queryctrl | None] = {}
        self.unknown: list[str] = []
        self.disobeyed: list[str] = []

    def has(self, cid: Cid) -> bool:
        """Whether it is there and can be set."""
        return self._look(cid) is not None

    def apply(self, wish: ControlWish) -> None:
        """Set the nearest value that the control can take, and see what has become of it."""
        known = self._look(wish.cid)
        if known is None:
            self.unknown.append(wish.cid.name)
            return
        refusal: OSError | None = None
        for value in (wish.value, *wish.instead):
            try:
                self._node.do(Vidioc.S_CTRL, s.v4l2_control(id=wish.cid, value=_nearest(known, value)))
            except OSError as error:
                if means_gone(error):
                    raise
                refusal = error
                continue
            self._compare(wish)
            return
        reason = os.strerror(refusal.errno or 0) if refusal is not None else ""
        self.disobeyed.append(f"{wish.cid.name} = {wish.value}: {reason}")

    def press(self, cid: Cid) -> None:
        """Raises OSError."""
        self._node.do(Vidioc.S_CTRL, s.v4l2_control(id=cid, value=1))

    def change(self, cid: Cid, value: int) -> None:
        """Set it while streaming. Raises OSError, also where there is no such control."""
        known = self._look(cid)
        wanted = value if known is None else _nearest(known, value)
        self._node.do(Vidioc.S_CTRL, s.v4l2_control(id=cid, value=wanted))

    def _compare(self, wish: ControlWish) -> None:
        try:
            found = int(self._node.do(Vidioc.G_CTRL, s.v4l2_control(id=wish.cid)).value)
        except OSError as error:
            if means_gone(error):
                raise
            return  # write-only
        if found != wish.value:
            self.disobeyed.append(f"{wish.cid.name}: {found} instead of {wish.value}")

    def _look(self, cid: Cid) -> s.v4l2_queryctrl | None:
        if cid not in self._known:
            query = s.v4l2_queryctrl(id=cid)
            try:
                self._node.do(Vidioc.QUERYCTRL, query)
            except OSError as error:
                if means_gone(error):
                    raise
                query.flags = CTRL_DISABLED
            self._known[cid] = None if query.flags & (CTRL_DISABLED | CTRL_READ_ONLY) else query
        return self._known[cid]


def _nearest(known: s.v4l2_queryctrl, value: int) -> int:
    """As the kernel's control framework rounds, so that a driver without it does not refuse."""
    if known.type == _BUTTON or known.maximum <= known.minimum:
        return value
    step = max(1, known.step)
    within = min(max(value, known.minimum), known.maximum)
    return int(min(known.minimum + (within - known.minimum + step // 2) // step * step, known.maximum))
