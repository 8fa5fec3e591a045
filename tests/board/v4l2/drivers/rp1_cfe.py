"""Raspberry Pi 5: the TC358743 behind rp1-cfe, set up by the media controller.

Source: drivers/media/platform/raspberrypi/rp1_cfe/cfe.c and csi2.c of the Raspberry Pi kernel.
"""

from __future__ import annotations

import errno

from board.v4l2.abi import media as m
from board.v4l2.abi.codes import Cap, Colorspace, Field, MbusCode
from board.v4l2.abi.requests import Vidioc
from tests.board.kit import HandClock
from tests.board.v4l2.drivers.capture import RGB3, UYVY, CaptureNode, Identity
from tests.board.v4l2.drivers.kernel import FakeKernel, FakeNode, OpenFile, refuse
from tests.board.v4l2.drivers.media import MediaNode, PadLink
from tests.board.v4l2.drivers.port import Connector
from tests.board.v4l2.drivers.tc358743 import Tc358743

_META_OUTPUT = 0x08000000  # V4L2_CAP_META_OUTPUT, of another node of the device
_CODES = {MbusCode.RGB888_1X24: (RGB3, Colorspace.SRGB), MbusCode.UYVY8_1X16: (UYVY, Colorspace.SMPTE170M)}


def _raw() -> m.MbusFormat:
    """What csi2's pads start with: some sensor's picture."""
    return m.MbusFormat(width=640, height=480, code=0x300F, field=Field.NONE, colorspace=Colorspace.RAW)


class BridgeSubdev(FakeNode):
    """The bridge's own node: its one pad has the size of its timings."""

    def __init__(self, bridge: Tc358743, numbers: tuple[int, int]) -> None:
        super().__init__(numbers)
        self.bridge = bridge
        self.code = MbusCode.RGB888_1X24
        bridge.serve(self)
        self.requests |= {
            Vidioc.SUBDEV_G_FMT: self._get,
            Vidioc.SUBDEV_S_FMT: self._set,
            Vidioc.SUBDEV_ENUM_MBUS_CODE: self._enum,
        }  # type: ignore[assignment]

    def format(self) -> m.MbusFormat:
        bt = self.bridge.timings.bt
        colorspace = _CODES[self.code][1]
        return m.MbusFormat(width=bt.width, height=bt.height, code=self.code, field=Field.NONE, colorspace=colorspace)

    def _get(self, file: OpenFile, into: m.SubdevFormat) -> None:
        if into.pad:
            raise refuse(errno.EINVAL)
        into.format = self.format()

    def _set(self, file: OpenFile, wish: m.SubdevFormat) -> None:
        if wish.pad or wish.format.code not in _CODES:
            raise refuse(errno.EINVAL)
        self.code = MbusCode(wish.format.code)
        wish.format = self.format()

    def _enum(self, file: OpenFile, into: m.SubdevMbusCode) -> None:
        codes = tuple(_CODES)
        if into.pad or into.index >= len(codes):
            raise refuse(errno.EINVAL)
        into.code = codes[into.index]


class Csi2Subdev(FakeNode):
    """Pad 0 takes the bridge's picture, pad 4 hands it on."""

    def __init__(self, numbers: tuple[int, int]) -> None:
        super().__init__(numbers)
        self.pads = {0: _raw(), 4: _raw()}
        self.streaming = lambda: False
        self.requests |= {Vidioc.SUBDEV_G_FMT: self._get, Vidioc.SUBDEV_S_FMT: self._set}  # type: ignore[assignment]

    def _get(self, file: OpenFile, into: m.SubdevFormat) -> None:
        if into.pad not in self.pads:
            raise refuse(errno.EINVAL)
        into.format = self.pads[into.pad]

    def _set(self, file: OpenFile, wish: m.SubdevFormat) -> None:
        if wish.pad not in self.pads:
            raise refuse(errno.EINVAL)
        if self.streaming():
            raise refuse(errno.EBUSY)
        if wish.pad == 4:  # a source pad takes another code at most, and only a remapped one
            wish.format = self.pads[4]
            return
        self.pads = {0: _copy(wish.format), 4: _copy(wish.format)}


class Rp1Cfe(Connector, CaptureNode):
    """The node numbers are such as a real boot may give; they must not matter. `dmesg` holds what the kernel logs."""

    path = "/dev/video5"
    subdev_path = "/dev/v4l-subdev2"
    media_path = "/dev/media3"

    def __init__(
        self,
        *,
        clock: HandClock,
        kernel: FakeKernel | None = None,
        lanes: int = 4,
        bridge_name: str = "tc358743 11-000f",
        bus: str = "platform:1f00110000.csi",
    ) -> None:
        kernel = kernel or FakeKernel(clock=clock)
        caps = Cap.VIDEO_CAPTURE | Cap.META_CAPTURE | Cap.STREAMING | Cap.IO_MC
        identity = Identity("rp1-cfe", "rp1-cfe", bus, caps, claims=_META_OUTPUT)
        super().__init__(
            kernel, identity=identity, codes=(RGB3, UYVY), size=(640, 480), least_buffers=3, numbers=(81, 9)
        )
        # no SOURCE_CHANGE here: cfe_notify passes over the nodes that are registered
        self.requests |= {
            Vidioc.SUBSCRIBE_EVENT: self._subscribe,
            Vidioc.DQEVENT: lambda file, into: file.events.take(into),
        }  # type: ignore[assignment,dict-item]
        self.lanes = lanes
        self.dmesg: list[str] = []
        self.bridge = self.port = Tc358743(kernel)
        self.subdev = BridgeSubdev(self.bridge, (81, 14))
        self.csi2 = Csi2Subdev((81, 12))
        self.csi2.streaming = lambda: self.queue.streaming
        self.media = self._graph(bridge_name, bus)
        kernel.add(self.path, self)
        kernel.add(self.subdev_path, self.subdev)
        kernel.add("/dev/v4l-subdev0", self.csi2)
        kernel.add(self.media_path, self.media)

    @property
    def delivers(self) -> bool:
        return self.bridge.flows and not self._on_hold()

    def before_start(self) -> None:
        if not self.to_stream.enabled:
            self._refuse(errno.EINVAL, "csi2_ch0 node link is not enabled.")
        if self.to_front_end.enabled and not self.front_end_config.enabled:
            self._refuse(errno.EINVAL, "FE enabled, but FE_CONFIG node is not")
        sent, taken, out = self.subdev.format(), self.csi2.pads[0], self.csi2.pads[4]
        for name in ("width", "height", "code", "field", "colorspace"):
            if getattr(sent, name) != getattr(taken, name):
                self._refuse(errno.EPIPE, f"Failed to start media pipeline: -32 ({name})")
        if (out.width, out.height) != (self.layout.width, self.layout.height):
            self._refuse(errno.EINVAL, "Wrong width or height")
        if out.code not in _CODES or _CODES[MbusCode(out.code)][0] is not self.layout.code:
            self._refuse(errno.EINVAL, "Format mismatch!")
        needed = self.bridge.lanes_needed(self.layout.code.pixel_bytes * 8)
        if needed > self.lanes:
            self._refuse(
                errno.EINVAL, f"Device has requested {needed} data lanes, which is >{self.lanes} configured in DT"
            )
        self.bridge.csi_on = True

    def after_stop(self) -> None:
        self.bridge.csi_on = False

    def _on_hold(self) -> bool:
        """Every node that is linked in must stream before any picture comes."""
        return self.front_end_image.enabled

    def _refuse(self, number: int, said: str) -> None:
        self.dmesg.append(f"rp1-cfe: {said}")
        raise refuse(number)

    def _subscribe(self, file: OpenFile, wish: object) -> None:
        file.events.subscribe(wish.type, wish.id)  # type: ignore[attr-defined]

    def _graph(self, bridge_name: str, bus: str) -> MediaNode:
        media = MediaNode(driver="rp1-cfe", bus=bus, streaming=lambda: self.queue.streaming)
        csi2 = media.entity("csi2", self.csi2.numbers, sinks=(0, 1, 2, 3), sources=(4, 5, 6, 7))
        front_end = media.entity("pisp-fe", (81, 13), sinks=(0, 1), sources=(2, 3, 4))
        bridge = media.entity(bridge_name, self.subdev.numbers, sources=(0,))
        stream = media.entity("rp1-cfe-csi2_ch0", self.numbers, sinks=(0,))
        embedded = media.entity("rp1-cfe-embedded", (81, 10), sinks=(0,))
        image = media.entity("rp1-cfe-fe_image0", (81, 11), sinks=(0,))
        config = media.entity("rp1-cfe-fe_config", (81, 15), sources=(0,))
        media.link(bridge, 0, csi2, 0, enabled=True, immutable=True)
        self.to_stream: PadLink = media.link(csi2, 4, stream, 0)
        # as libcamera leaves them behind
        self.to_front_end: PadLink = media.link(csi2, 4, front_end, 0, enabled=True)
        media.link(csi2, 5, embedded, 0)
        self.front_end_image: PadLink = media.link(front_end, 2, image, 0, enabled=True)
        self.front_end_config: PadLink = media.link(config, 0, front_end, 1)
        return media


def _copy(format: m.MbusFormat) -> m.MbusFormat:
    return m.MbusFormat.from_buffer_copy(bytes(format))
