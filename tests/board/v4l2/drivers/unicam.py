"""Raspberry Pi up to 4: the TC358743 behind unicam, everything on the video node.

Source: drivers/media/platform/bcm2835/bcm2835-unicam.c of the Raspberry Pi kernel, without the media controller.
"""

from __future__ import annotations

import errno

from tests.board.kit import HandClock
from tests.board.v4l2.drivers.capture import RGB3, UYVY, CaptureNode, Identity
from tests.board.v4l2.drivers.kernel import FakeKernel, refuse
from tests.board.v4l2.drivers.port import Connector, InputRequests
from tests.board.v4l2.drivers.tc358743 import Tc358743


class UnicamTc358743(Connector, CaptureNode):
    """Without a signal pictures just stop. `lanes` as wired: 2 on most boards, which is 1080p50 at most."""

    path = "/dev/video0"

    def __init__(self, *, clock: HandClock, kernel: FakeKernel | None = None, lanes: int = 2) -> None:
        kernel = kernel or FakeKernel(clock=clock)
        identity = Identity("unicam", "unicam", "platform:fe801000.csi")
        super().__init__(kernel, identity=identity, codes=(RGB3, UYVY), size=(640, 480))
        self.lanes = lanes
        self.bridge = self.port = Tc358743(kernel)
        self.bridge.busy = lambda: self.queue.allocated
        self.bridge.serve(self)
        InputRequests(self.bridge, name="Camera 0").serve(self)
        kernel.add(self.path, self)

    @property
    def delivers(self) -> bool:
        return self.bridge.flows

    def fit(self, width: int, height: int) -> tuple[int, int]:
        """The bridge does not scale: the size is that of the timings."""
        return self.bridge.timings.bt.width, self.bridge.timings.bt.height

    def before_start(self) -> None:
        needed = self.bridge.lanes_needed(self.layout.code.pixel_bytes * 8)
        if needed > self.lanes:
            raise refuse(errno.EINVAL)  # "Device has requested N data lanes, which is >M configured in DT"
        self.bridge.csi_on = True

    def after_stop(self) -> None:
        self.bridge.csi_on = False
