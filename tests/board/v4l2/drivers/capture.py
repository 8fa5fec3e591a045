"""A well-behaved capture node: formats, buffers, frames at a rate. Drivers build on it."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from board.v4l2.abi import structs as s
from board.v4l2.abi.codes import BufFlag, BufType, Cap, Colorspace, Field
from board.v4l2.abi.numbers import fourcc, fourcc_text
from board.v4l2.abi.requests import Vidioc
from tests.board.v4l2.drivers.kernel import FakeKernel, FakeNode, Misuse, OpenFile, Request, refuse
from tests.board.v4l2.drivers.ring import BufferQueue


@dataclass(frozen=True, slots=True)
class PixelCode:
    """A pixel format that the driver gives. Rows are padded to a multiple of `align` pixels."""

    code: str
    pixel_bytes: int
    colorspace: Colorspace
    align: int = 32


UYVY = PixelCode("UYVY", 2, Colorspace.SMPTE170M)
YUYV = PixelCode("YUYV", 2, Colorspace.REC709)
RGB3 = PixelCode("RGB3", 3, Colorspace.SRGB)
BGR3 = PixelCode("BGR3", 3, Colorspace.SRGB)


@dataclass(frozen=True, slots=True)
class Identity:
    """What QUERYCAP says. `claims`: capabilities of other nodes, which only `capabilities` shows."""

    driver: str
    card: str
    bus: str = "platform:fe801000.csi"
    caps: Cap = Cap.VIDEO_CAPTURE | Cap.STREAMING
    claims: int = 0


@dataclass(frozen=True, slots=True)
class Layout:
    code: PixelCode
    width: int
    height: int

    @property
    def stride(self) -> int:
        return -(-self.width // self.code.align) * self.code.align * self.code.pixel_bytes

    @property
    def size(self) -> int:
        return self.stride * self.height


class CaptureNode(FakeNode):
    """Frames come by themselves while `delivers`, unless `free_running` is off: then by `push_frame` alone.

    `lost` counts the pictures for which no buffer was queued; their numbers are missing in `sequence`.
    """

    def __init__(
        self,
        kernel: FakeKernel,
        *,
        identity: Identity,
        codes: Sequence[PixelCode] = (UYVY, RGB3),
        size: tuple[int, int] = (1920, 1080),
        fps: Fraction = Fraction(60),
        least_buffers: int = 1,
        numbers: tuple[int, int] = (81, 0),
    ) -> None:
        super().__init__(numbers)
        self.kernel = kernel
        self.identity = identity
        self.codes = codes
        self.fps = fps
        self.layout = Layout(codes[0], *size)
        self.queue = BufferQueue(type=BufType.VIDEO_CAPTURE, least=least_buffers)
        self.free_running = True
        self.lost = 0
        self._sequence = 0
        self._run = 0
        self.requests |= _requests(self)

    @property
    def delivers(self) -> bool:
        """Whether pictures come in while streaming."""
        return True

    def fit(self, width: int, height: int) -> tuple[int, int]:
        """The size that the driver makes of a wish."""
        return width, height

    def before_start(self) -> None:
        """Raises OSError when streaming cannot start."""

    def after_stop(self) -> None:
        """Streaming has ended."""

    def push_frame(self, fill: bytes | int | None = None, *, damaged: bool = False, short: int = 0) -> bool:
        """A picture comes in now; False when it is lost for want of a buffer, or because none can come.

        `fill`: its bytes from the start, or the value of all; `short`: so many bytes are missing.
        """
        if not self.queue.streaming or self.queue.broken or self.gone:
            return False
        sequence, self._sequence = self._sequence, self._sequence + 1
        buffer = self.queue.to_fill()
        if buffer is None:
            self.lost += 1
            return False
        view = memoryview(buffer.memory)
        content = bytes((sequence & 0xFF,)) * self.layout.stride if fill is None else fill
        if isinstance(content, int):
            content = bytes((content,)) * self.layout.size
        view[: len(content)] = content
        buffer.used, buffer.sequence = self.layout.size - short, sequence
        buffer.captured_ns = self.kernel.clock.mono_ns()
        buffer.flags = int(BufFlag.ERROR) if damaged else 0
        self.queue.filled(buffer)
        return True

    def break_queue(self) -> None:
        """As after a failure of the hardware: POLLERR, and EIO until STREAMOFF."""
        self.queue.broken = True

    def closed(self, file: OpenFile) -> None:
        super().closed(file)
        if self.queue.owner is file:
            if self.queue.streaming:
                self._end()
            self.queue.free()

    def ready(self, file: OpenFile, wanted: int) -> int:
        return super().ready(file, wanted) | self.queue.ready(wanted)

    def map(self, file: OpenFile, length: int, offset: int) -> memoryview:
        return self.queue.map(length, offset)

    def query_capability(self, file: OpenFile, into: s.Capability) -> None:
        identity = self.identity
        into.driver, into.card, into.bus_info = (
            text.encode() for text in (identity.driver, identity.card, identity.bus)
        )
        into.version = 0x060C00
        into.device_caps = identity.caps
        into.capabilities = identity.caps | identity.claims | Cap.DEVICE_CAPS

    def enum_format(self, file: OpenFile, into: s.v4l2_fmtdesc) -> None:
        if into.type != BufType.VIDEO_CAPTURE or into.index >= len(self.codes):
            raise refuse(errno.EINVAL)
        into.pixelformat = fourcc(self.codes[into.index].code)

    def get_format(self, file: OpenFile, into: s.Format) -> None:
        _check_type(into.type)
        self._describe(self.layout, into)

    def try_format(self, file: OpenFile, wish: s.Format) -> None:
        self._describe(self._fitting(wish), wish)

    def set_format(self, file: OpenFile, wish: s.Format) -> None:
        if self.queue.allocated:
            self.queue.check_owner(file)
            raise Misuse("S_FMT while buffers are allocated" + (" and streaming" if self.queue.streaming else ""))
        self.layout = self._fitting(wish)
        self._describe(self.layout, wish)

    def request_buffers(self, file: OpenFile, wish: s.v4l2_requestbuffers) -> None:
        self.queue.request(file, wish, self.layout.size)

    def start(self, file: OpenFile, type: object) -> None:
        self.queue.check_start(file, type.value)  # type: ignore[attr-defined]
        if self.queue.streaming:
            return
        self.before_start()
        self.queue.streaming = True
        self._sequence = 0
        self._run += 1
        self._schedule(self._run)

    def stop(self, file: OpenFile, type: object) -> None:
        self.queue.check_owner(file)
        if self.queue.streaming:
            self._end()

    def _end(self) -> None:
        self.queue.stop()
        self._run += 1
        self.after_stop()

    def _schedule(self, run: int) -> None:
        self.kernel.after(float(1 / self.fps), lambda: self._tick(run))

    def _tick(self, run: int) -> None:
        if run != self._run:
            return
        if self.free_running and self.delivers:
            self.push_frame()
        self._schedule(run)

    def _fitting(self, wish: s.Format) -> Layout:
        """An unknown pixel format becomes the first that is known, as drivers do."""
        _check_type(wish.type)
        wanted = fourcc_text(wish.pix.pixelformat)
        code = next((one for one in self.codes if one.code == wanted), self.codes[0])
        return Layout(code, *self.fit(wish.pix.width, wish.pix.height))

    def _describe(self, layout: Layout, into: s.Format) -> None:
        pix = into.pix
        pix.width, pix.height, pix.pixelformat = layout.width, layout.height, fourcc(layout.code.code)
        pix.field, pix.colorspace = Field.NONE, layout.code.colorspace
        pix.bytesperline, pix.sizeimage = layout.stride, layout.size


def _requests(node: CaptureNode) -> dict[Request, object]:
    return {
        Vidioc.QUERYCAP: node.query_capability,
        Vidioc.ENUM_FMT: node.enum_format,
        Vidioc.G_FMT: node.get_format,
        Vidioc.TRY_FMT: node.try_format,
        Vidioc.S_FMT: node.set_format,
        Vidioc.REQBUFS: node.request_buffers,
        Vidioc.QUERYBUF: lambda file, asked: node.queue.query(asked),
        Vidioc.QBUF: node.queue.queue,
        Vidioc.DQBUF: node.queue.take,
        Vidioc.EXPBUF: node.queue.export,
        Vidioc.STREAMON: node.start,
        Vidioc.STREAMOFF: node.stop,
    }


def _check_type(type: int) -> None:
    if type != BufType.VIDEO_CAPTURE:
        raise refuse(errno.EINVAL)
