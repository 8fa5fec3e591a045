"""YUAN SC0710 and Elgato 4K60 Pro: a card that never stops and follows its signal by itself.

Source: the behaviour of the out-of-tree driver Nakildias/sc0710.
"""

from __future__ import annotations

import errno

from board.v4l2.abi import structs as s
from tests.board.kit import HandClock
from tests.board.v4l2.drivers.capture import BGR3, YUYV, CaptureNode, Identity
from tests.board.v4l2.drivers.kernel import FakeKernel, refuse
from tests.board.v4l2.drivers.modes import HD1080P60
from tests.board.v4l2.drivers.port import Connector, HdmiPort, InputRequests

STATUS_IMAGE = 0x10  # the luma and chroma of its own picture


class _Port(HdmiPort):
    """No signal is ENODATA, timings cannot be set, events come at once, EDID is there from the start."""

    limits = (640, 4096, 480, 2160, 13_000_000, 600_000_000)
    capabilities = 0b1111
    max_blocks = 2

    def no_signal(self) -> int:
        return errno.ENODATA

    def check_settable(self, timings: s.DvTimings) -> None:
        raise refuse(errno.EINVAL)

    def changed(self) -> None:
        self.hpd = self.power
        mode = self.mode
        if mode is not None and self.in_sync:
            self.timings = self.report(mode)
        super().changed()

    def _set(self, file: object, wish: s.DvTimings) -> None:
        raise refuse(errno.EINVAL)


class Sc0710(Connector, CaptureNode):
    """Without a signal it delivers a status image in the last format."""

    path = "/dev/video2"

    def __init__(self, *, clock: HandClock, kernel: FakeKernel | None = None) -> None:
        kernel = kernel or FakeKernel(clock=clock)
        identity = Identity("sc0710", "Elgato 4K60 Pro MK.2", "PCI:0000:01:00.0")
        super().__init__(kernel, identity=identity, codes=(YUYV, BGR3))
        self.port = _Port(kernel, start=HD1080P60.exact())
        self.port.serve(self)
        InputRequests(self.port, name="HDMI").serve(self)
        kernel.add(self.path, self)

    def fit(self, width: int, height: int) -> tuple[int, int]:
        return self.port.timings.bt.width, self.port.timings.bt.height

    def push_frame(self, fill: bytes | int | None = None, *, damaged: bool = False, short: int = 0) -> bool:
        if fill is None and not self.port.locked:
            fill = STATUS_IMAGE
        return super().push_frame(fill, damaged=damaged, short=short)
