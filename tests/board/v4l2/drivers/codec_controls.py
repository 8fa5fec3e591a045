"""Controls as the kernel's framework keeps them for a driver: rounded, clamped, refused."""

from __future__ import annotations

import errno
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from board.v4l2.abi import structs as s
from board.v4l2.abi.codes import Cid
from board.v4l2.abi.requests import Vidioc
from tests.board.v4l2.drivers.kernel import refuse

_INTEGER, _MENU, _BUTTON = 1, 3, 4


@dataclass(frozen=True, slots=True)
class Control:
    """`entries`: what a menu has; a menu refuses what it has not, a number is clamped."""

    minimum: int
    maximum: int
    default: int
    step: int = 1
    entries: tuple[int, ...] = ()

    @property
    def type(self) -> int:
        if self.entries:
            return _MENU
        return _BUTTON if self.maximum == 0 and self.minimum == 0 and not self.default else _INTEGER


BUTTON = Control(0, 0, 0)


def menu(*entries: int, default: int) -> Control:
    return Control(min(entries), max(entries), default, 1, entries)


class ControlTable:
    """Of one open file. `changed` hears of every set, with the value as it was rounded."""

    def __init__(self, controls: Mapping[Cid, Control], changed: Callable[[Cid, int], None]) -> None:
        self._controls = controls
        self._changed = changed
        self.values: dict[Cid, int] = {cid: control.default for cid, control in controls.items()}

    def value(self, cid: Cid, default: int = 0) -> int:
        return self.values.get(cid, default)

    def serve(self, request: Vidioc, argument: object) -> None:
        {Vidioc.QUERYCTRL: self._query, Vidioc.S_CTRL: self._set, Vidioc.G_CTRL: self._get}[request](argument)

    def _query(self, into: s.v4l2_queryctrl) -> None:
        control = self._find(into.id)
        into.type, into.name = control.type, Cid(into.id).name.encode()[:31]
        into.minimum, into.maximum, into.step = control.minimum, control.maximum, control.step
        into.default_value, into.flags = control.default, 0

    def _set(self, wish: s.v4l2_control) -> None:
        control = self._find(wish.id)
        if control.type == _MENU and wish.value not in control.entries:
            raise refuse(errno.EINVAL if control.minimum <= wish.value <= control.maximum else errno.ERANGE)
        if control.type == _INTEGER:
            within = min(max(wish.value, control.minimum), control.maximum) - control.minimum
            rounded = (within + control.step // 2) // control.step * control.step + control.minimum
            wish.value = min(rounded, control.maximum)
        self.values[Cid(wish.id)] = wish.value
        self._changed(Cid(wish.id), wish.value)

    def _get(self, asked: s.v4l2_control) -> None:
        if self._find(asked.id).type == _BUTTON:
            raise refuse(errno.EACCES)
        asked.value = self.values[Cid(asked.id)]

    def _find(self, number: int) -> Control:
        if number not in self._controls:
            raise refuse(errno.EINVAL)
        return self._controls[Cid(number)]
