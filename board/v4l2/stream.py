"""One run of a video node: format agreed, buffers queued, stream on."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from board.v4l2.abi import structs as s
from board.v4l2.abi.codes import PIX_FMT_PRIV_MAGIC, BufType, Field
from board.v4l2.abi.numbers import fourcc_text
from board.v4l2.abi.requests import Vidioc
from board.v4l2.buffers import BufferRing, DriverBuffer, Filled
from board.v4l2.card import Card
from board.v4l2.layout import Kind, Layout
from board.v4l2.node import Node
from edge.model.errors import DeviceGone, NotSupported

_CAP_TIMEPERFRAME = 0x1000  # V4L2_CAP_TIMEPERFRAME
BUFFERS = 6
_SINGLE_FIELDS = (Field.ALTERNATE, Field.TOP, Field.BOTTOM)


@dataclass(frozen=True, slots=True)
class Agreed:
    """What the driver made of the wish. `field` is a V4L2_FIELD_* code; the colour fields are the driver's own."""

    layout: Layout
    field: int
    colorspace: int
    ycbcr_enc: int
    quantization: int


class CaptureStream:
    """Made stopped. Every method raises OSError as the driver says."""

    def __init__(self, node: Node, card: Card) -> None:
        self._node = node
        self._type = card.buf_type
        self._ring: BufferRing | None = None

    @property
    def on_loan(self) -> int:
        ring = self._ring  # another thread may stop us meanwhile
        return ring.on_loan if ring is not None else 0

    @property
    def starved(self) -> bool:
        """Whether all buffers are on loan, so that the driver has none to fill."""
        ring = self._ring
        return ring is not None and ring.on_loan >= ring.count

    def agree(self, kind: Kind, width: int, height: int) -> Agreed:
        """Ask for that format. Raises NotSupported when the driver will not have that kind or size.

        Interlaced pictures are taken as the driver gives them (`Agreed.field`).
        """
        got = self._ask(kind, width, height)
        if got.field in _SINGLE_FIELDS and got.layout.height == height:
            got = self._ask(kind, width, height // 2)  # lines are counted by field then (struct v4l2_pix_format)
        lines = got.layout.height * (2 if got.field in _SINGLE_FIELDS else 1)
        if (got.layout.width, lines) != (width, height):
            raise NotSupported(
                f"{self._node.path} makes {got.layout.width}x{lines} of {kind.code} {width}x{height}", code="other_size"
            )
        got.layout.check()
        return got

    def current_size(self) -> tuple[int, int]:
        """Whole picture in pixels, as the driver is set now."""
        now = self._node.do(Vidioc.G_FMT, s.Format(type=self._type))
        fmt = now.pix if self._type is BufType.VIDEO_CAPTURE else now.pix_mp
        return fmt.width, fmt.height * (2 if fmt.field == Field.ALTERNATE else 1)

    def set_rate(self, fps: Fraction) -> Fraction | None:
        """The rate that the driver then promises; None where it has no say (HDMI bridges: ENOTTY)."""
        parm = s.v4l2_streamparm(type=self._type)
        try:
            self._node.do(Vidioc.G_PARM, parm)
            if parm.parm.capture.capability & _CAP_TIMEPERFRAME:
                interval = parm.parm.capture.timeperframe
                interval.numerator, interval.denominator = fps.denominator, fps.numerator
                self._node.do(Vidioc.S_PARM, parm)
        except OSError:
            return None
        interval = parm.parm.capture.timeperframe
        return (
            Fraction(interval.denominator, interval.numerator) if interval.numerator and interval.denominator else None
        )

    def start(self, agreed: Agreed) -> None:
        ring = BufferRing(self._node, self._type, count=BUFFERS, planes=agreed.layout.kind.buffers)
        try:
            self._node.do_int(Vidioc.STREAMON, self._type)
        except OSError:
            ring.end()
            raise
        self._ring = ring

    def stop(self) -> None:
        """No error when the device is gone. Pictures on loan stay readable."""
        ring, self._ring = self._ring, None
        if ring is None:
            return
        with contextlib.suppress(OSError, DeviceGone):
            self._node.do_int(Vidioc.STREAMOFF, self._type)
        ring.end()

    def take(self) -> Filled | None:
        """The oldest filled buffer, on loan, damaged or not; None when there is none."""
        return self._ring.take() if self._ring is not None else None

    def memories(self, filled: Filled) -> tuple[memoryview, ...]:
        return self._running().memories(filled)

    def buffer(self, filled: Filled) -> DriverBuffer:
        """What gives that buffer back, whatever becomes of this stream meanwhile."""
        return DriverBuffer(self._running(), filled.index)

    def _running(self) -> BufferRing:
        if self._ring is None:
            raise DeviceGone(f"{self._node.path}: the stream has ended")
        return self._ring

    def _ask(self, kind: Kind, width: int, height: int) -> Agreed:
        wish = self._format(kind, width, height)
        try:
            self._node.do(Vidioc.S_FMT, wish)
        except OSError as error:
            if error.errno == errno.EINVAL:
                raise NotSupported(f"{self._node.path} refuses {kind.code} {width}x{height}") from error
            raise
        return self._agreed(kind, wish)

    def _format(self, kind: Kind, width: int, height: int) -> s.Format:
        wish = s.Format(type=self._type)
        fmt = wish.pix if self._type is BufType.VIDEO_CAPTURE else wish.pix_mp
        fmt.width, fmt.height, fmt.pixelformat, fmt.field = width, height, kind.number, Field.ANY
        if self._type is BufType.VIDEO_CAPTURE:
            wish.pix.priv = PIX_FMT_PRIV_MAGIC
        return wish

    def _agreed(self, kind: Kind, got: s.Format) -> Agreed:
        if self._type is BufType.VIDEO_CAPTURE:
            fmt = got.pix
            strides, sizes = (fmt.bytesperline,), (fmt.sizeimage,)
        else:
            fmt = got.pix_mp
            planes = fmt.plane_fmt[: fmt.num_planes]
            strides, sizes = tuple(p.bytesperline for p in planes), tuple(p.sizeimage for p in planes)
        if fmt.pixelformat != kind.number:
            raise NotSupported(f"{self._node.path} gives {fourcc_text(fmt.pixelformat)} for {kind.code}")
        if len(strides) != kind.buffers:
            raise NotSupported(f"{self._node.path} gives {len(strides)} memory planes for {kind.code}")
        layout = Layout(kind, fmt.width, fmt.height, strides, sizes)
        return Agreed(layout, fmt.field, fmt.colorspace, fmt.ycbcr_enc, fmt.quantization)


def agree_on_first(stream: CaptureStream, kinds: Sequence[Kind], width: int, height: int) -> Agreed:
    """The first of those kinds that the driver gives in that size. Raises NotSupported naming all refusals."""
    refusals = []
    for kind in kinds:
        try:
            return stream.agree(kind, width, height)
        except NotSupported as error:
            refusals.append(str(error))
    raise NotSupported("; ".join(refusals) or f"no known pixel format for {width}x{height}")
