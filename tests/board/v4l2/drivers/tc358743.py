"""The Toshiba bridge as Linux drives it without an interrupt line: it looks once a second.

Source: drivers/media/i2c/tc358743.c (Linux 6.12 and the Raspberry Pi kernel).
"""

from __future__ import annotations

import math

from board.v4l2.abi import structs as s
from board.v4l2.abi.codes import DV_BT_656_1120, Cid, EventType
from tests.board.v4l2.drivers.kernel import FakeKernel
from tests.board.v4l2.drivers.modes import Mode, same_timings
from tests.board.v4l2.drivers.port import HdmiPort

_POLL_NS = 1_000_000_000
_HOTPLUG_S = 0.1
_ECHO_S = 0.02


class Tc358743(HdmiPort):
    """Starts with an empty EDID memory. `csi_on`: it sends to the receiver; only a new start turns it on again."""

    def __init__(self, kernel: FakeKernel, *, lane_mbps: int = 972) -> None:
        super().__init__(kernel, start=_default_timings())
        self.lane_mbps = lane_mbps
        self.csi_on = False
        self._power_seen = False
        self._hotplug = 0
        self._due_ns = 0

    def report(self, mode: Mode) -> s.DvTimings:
        return mode.measured()

    def power_seen(self) -> bool:
        return self._power_seen

    @property
    def flows(self) -> bool:
        """Whether pictures reach the receiver."""
        return self.csi_on and self.locked

    def lanes_needed(self, pixel_bits: int) -> int:
        """The driver's own sum: active pixels alone."""
        bt = self.timings.bt
        total = (bt.width + bt.hsync) * (bt.height + bt.vsync)
        fps = round(bt.pixelclock / total) if total else 0
        return math.ceil(bt.width * bt.height * fps * pixel_bits / (self.lane_mbps * 1_000_000))

    def changed(self) -> None:
        """Noticed at the next look."""
        now = self.kernel.clock.mono_ns()
        due_ns = (now // _POLL_NS + 1) * _POLL_NS
        if due_ns != self._due_ns:
            self._due_ns = due_ns
            self.kernel.at(due_ns, self._look)

    def edid_written(self) -> None:
        """Hot plug goes low; with an EDID and +5 V it rises again after 100 ms."""
        self._lower_hotplug()
        self._raise_hotplug_soon()

    def setting_changed(self) -> None:
        self.csi_on = False

    def _look(self) -> None:
        if self.power != self._power_seen:
            self._power_seen = self.power
            self.tell(EventType.CTRL, Cid.DV_RX_POWER_PRESENT)
            if self.power:
                self._raise_hotplug_soon()
            else:
                self._lower_hotplug()
        mode = self.mode
        if mode is None or not self.in_sync or not same_timings(self.report(mode), self.timings):
            self.csi_on = False
        self.tell(EventType.SOURCE_CHANGE)
        self.kernel.after(_ECHO_S, lambda: self.tell(EventType.SOURCE_CHANGE))

    def _lower_hotplug(self) -> None:
        self._hotplug += 1
        if self.hpd:
            self.hpd = False
            self.changed()

    def _raise_hotplug_soon(self) -> None:
        turn = self._hotplug = self._hotplug + 1
        self.kernel.after(_HOTPLUG_S, lambda: self._raise_hotplug(turn))

    def _raise_hotplug(self, turn: int) -> None:
        if turn == self._hotplug and self.edid and self.power:
            self.hpd = True
            self.changed()


def _default_timings() -> s.DvTimings:
    """640x480p59.94, what the driver starts with."""
    timings = s.DvTimings(type=DV_BT_656_1120)
    bt = timings.bt
    bt.width, bt.height, bt.pixelclock = 640, 480, 25_175_000
    bt.hfrontporch, bt.hsync, bt.hbackporch = 16, 96, 48
    bt.vfrontporch, bt.vsync, bt.vbackporch = 10, 2, 33
    return timings
