"""A stateful encoder node, as the kernel's memory-to-memory framework makes it; `CodecDriver` is what a driver adds."""

from __future__ import annotations

import errno
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from board.v4l2.abi import structs as s
from board.v4l2.abi.codes import (
    BufFlag,
    BufType,
    Cap,
    Cid,
    Colorspace,
    EncoderCmd,
    EventType,
    Quantization,
    YcbcrEnc,
)
from board.v4l2.abi.numbers import fourcc, fourcc_text
from board.v4l2.abi.requests import Vidioc
from board.v4l2.kernel import READ, WRITE
from board.v4l2.layout import KINDS, Layout
from edge.model.annexb import nal_offsets, nal_type
from edge.model.video import Codec, Colorimetry, Pixel, Range, VideoFormat
from tests.board.v4l2.drivers.codec_controls import ControlTable
from tests.board.v4l2.drivers.codec_driver import CodecDriver, Moods
from tests.board.v4l2.drivers.codec_ring import CodecRing
from tests.board.v4l2.drivers.kernel import FakeKernel, FakeNode, Misuse, OpenFile, refuse
from tests.board.v4l2.drivers.ring import POLLERR, Buffer
from tests.board.v4l2.drivers.silicon import Setting, Silicon

_COLORIMETRY = {
    Colorspace.REC709: Colorimetry.BT709,
    Colorspace.SMPTE170M: Colorimetry.BT601,
    Colorspace.BT2020: Colorimetry.BT2020,
    Colorspace.SRGB: Colorimetry.SYCC,
}
_PARAMETER_SETS = {Codec.H264: (7, 8), Codec.H265: (32, 33, 34)}


@dataclass(slots=True)
class _Side:
    code: str
    width: int = 640
    height: int = 480
    stride: int = 0
    size: int = 0


@dataclass(slots=True)
class _Colours:
    colorspace: int = Colorspace.REC709
    ycbcr_enc: int = YcbcrEnc.DEFAULT
    quantization: int = Quantization.DEFAULT


class CodecNode(FakeNode):
    """Every open file is an encoder of its own. `runs` are those that have begun streaming, the newest last."""

    def __init__(self, kernel: FakeKernel, driver: CodecDriver, *, numbers: tuple[int, int] = (81, 0)) -> None:
        super().__init__(numbers)
        self.kernel = kernel
        self.driver = driver
        self.moods = Moods()
        self.runs: list[CodecFile] = []
        self._contexts: dict[int, CodecFile] = {}
        self.requests |= {request: self._serve(request) for request in _SERVED}  # type: ignore[misc]
        if not driver.times:
            del self.requests[Vidioc.S_PARM]

    def opened(self, file: OpenFile) -> None:
        super().opened(file)
        self._contexts[file.fd] = CodecFile(self, file)

    def closed(self, file: OpenFile) -> None:
        super().closed(file)
        self._contexts.pop(file.fd).end()

    def ready(self, file: OpenFile, wanted: int) -> int:
        return super().ready(file, wanted) | self._contexts[file.fd].ready(wanted)

    def map(self, file: OpenFile, length: int, offset: int) -> memoryview:
        return self._contexts[file.fd].map(length, offset)

    def _serve(self, request: Vidioc) -> Callable[[OpenFile, object], None]:
        return lambda file, argument: self._contexts[file.fd].serve(request, argument)


class CodecFile:
    """One open file: formats, controls, two queues, and the silicon once pictures come."""

    def __init__(self, node: CodecNode, file: OpenFile) -> None:
        self.node, self.driver, self.moods = node, node.driver, node.moods
        self._file = file
        raw, coded = self.driver.sides
        self.raw_ring = CodecRing(raw, imports=self.driver.imports, offset=0)
        self.coded_ring = CodecRing(coded, imports=False, offset=1 << 30)
        self.raw = _Side(next(iter(self.driver.takes)))
        self.coded = _Side(self.driver.makes[0])
        self.colours = _Colours()
        self.fps = Fraction(30)
        self.crop: tuple[int, int] | None = None
        self.controls = ControlTable(self.driver.controls, self._control_changed)
        self.pictures = 0
        self._silicon: Silicon | None = None
        self._units: list[tuple[bytes, int, int]] = []  # (bytes, flags, stamp) that wait for coded buffers
        self._force_key = self._busy = self._draining = False
        self._run = 0

    def serve(self, request: Vidioc, argument: Any) -> None:
        if request in (Vidioc.QUERYCTRL, Vidioc.S_CTRL, Vidioc.G_CTRL):
            self.controls.serve(request, argument)
        else:
            getattr(self, f"_do_{request.name.lower()}")(argument)

    def end(self) -> None:
        self._run += 1
        for ring in (self.raw_ring, self.coded_ring):
            ring.stop()

    def ready(self, wanted: int) -> int:
        """As v4l2_m2m_poll: trouble where neither queue can make anything ready."""
        if not wanted & (READ | WRITE):
            return 0
        idle = [not ring.streaming or (ring.all_idle and not ring.drained) for ring in self._rings]
        if all(idle):
            return POLLERR
        found = READ if self.coded_ring.ready else 0
        return (found | (WRITE if self.raw_ring.ready else 0)) & wanted

    def map(self, length: int, offset: int) -> memoryview:
        for ring in self._rings:
            for buffer in ring.buffers:
                if buffer.offset == offset and buffer.length == length:
                    return memoryview(buffer.memory)
        raise Misuse(f"mmap of {length} bytes at {offset:#x}, where no buffer is")

    @property
    def _rings(self) -> tuple[CodecRing, CodecRing]:
        return self.raw_ring, self.coded_ring

    def _ring(self, type: int) -> CodecRing:
        if type not in self.driver.sides:
            raise refuse(errno.EINVAL)
        return self._rings[self.driver.sides.index(BufType(type))]

    def _do_querycap(self, into: s.Capability) -> None:
        into.driver, into.card, into.bus_info = self.driver.name.encode(), self.driver.card.encode(), b"platform:codec"
        into.device_caps = self.driver.caps
        into.capabilities = self.driver.caps | Cap.DEVICE_CAPS

    def _do_enum_fmt(self, into: s.v4l2_fmtdesc) -> None:
        if into.type not in self.driver.sides:
            raise refuse(errno.EINVAL)
        codes = tuple(self.driver.takes) if into.type == self.driver.sides[0] else self.driver.makes
        if into.index >= len(codes):
            raise refuse(errno.EINVAL)
        into.pixelformat = fourcc(codes[into.index])

    def _do_s_fmt(self, wish: s.Format) -> None:
        if self._ring(wish.type).buffers:
            raise refuse(errno.EBUSY)
        fmt = wish.pix_mp if self.driver.multiplanar else wish.pix
        plane = fmt.plane_fmt[0] if self.driver.multiplanar else fmt
        code, size = fourcc_text(fmt.pixelformat), self._fit(fmt.width, fmt.height)
        if wish.type == self.driver.sides[0]:
            side = self.raw = self._raw_side(code, size, plane.bytesperline)
            self.colours = _Colours(fmt.colorspace, fmt.ycbcr_enc, fmt.quantization)
            self.coded = replace(self.coded, width=size[0], height=size[1], size=self._room(size))
            self.crop = None
        else:
            room = max(plane.sizeimage if self.driver.grants_room else 0, self._room(size))
            code = code if code in self.driver.makes else self.driver.makes[0]
            side = self.coded = _Side(code, *size, 0, room)
        fmt.width, fmt.height, fmt.pixelformat = side.width, side.height, fourcc(side.code)
        plane.bytesperline, plane.sizeimage = side.stride, side.size
        if self.driver.multiplanar:
            fmt.num_planes = 1

    def _fit(self, width: int, height: int) -> tuple[int, int]:
        step, (least_w, least_h), (most_w, most_h) = self.driver.size_step, self.driver.least, self.driver.most
        return tuple(  # type: ignore[return-value]
            -(-min(max(side, least), most) // step) * step
            for side, least, most in ((width, least_w, most_w), (height, least_h, most_h))
        )

    def _raw_side(self, code: str, size: tuple[int, int], stride: int) -> _Side:
        code = code if code in self.driver.takes else next(iter(self.driver.takes))
        kind, align = KINDS[code], self.driver.takes[code]
        assert kind.pixel is not None
        least = size[0] * kind.pixel.pixel_bytes
        stride = -(-max(stride, least) // align) * align
        (bytes_needed,) = Layout(kind, *size, (stride,), (1 << 30,)).needed()
        return _Side(code, *size, stride, bytes_needed)

    def _room(self, size: tuple[int, int]) -> int:
        small, large = self.driver.room
        return small if size[0] * size[1] <= 1280 * 720 else large

    def _do_s_parm(self, wish: s.v4l2_streamparm) -> None:
        if wish.type != self.driver.sides[0]:
            raise refuse(errno.EINVAL)
        time = wish.parm.output.timeperframe
        self.fps = Fraction(time.denominator, time.numerator)

    def _do_s_selection(self, wish: s.Selection) -> None:
        if not self.driver.crops:
            raise refuse(errno.ENOTTY)
        self.crop = (min(wish.r.width, self.raw.width), min(wish.r.height, self.raw.height))
        wish.r.left = wish.r.top = 0
        wish.r.width, wish.r.height = self.crop

    def _do_subscribe_event(self, wish: s.EventSubscription) -> None:
        self._file.events.subscribe(wish.type, wish.id)

    def _do_dqevent(self, into: s.Event) -> None:
        self._file.events.take(into)

    def _do_reqbufs(self, wish: s.v4l2_requestbuffers) -> None:
        ring = self._ring(wish.type)
        ring.request(wish, self.raw.size if ring is self.raw_ring else self.coded.size, most=self.driver.most_buffers)

    def _do_querybuf(self, asked: s.v4l2_buffer) -> None:
        self._ring(asked.type).query(asked)

    def _do_qbuf(self, given: s.v4l2_buffer) -> None:
        self._ring(given.type).queue(given)
        self._work()

    def _do_dqbuf(self, into: s.v4l2_buffer) -> None:
        self._ring(into.type).take(into)

    def _do_streamon(self, type: Any) -> None:
        self._ring(type.value).start()
        if all(ring.streaming for ring in self._rings):
            self.node.runs.append(self)
            if self.driver.junk_first:
                self._units.append((b"\0" * 16, 0, 0))
        self._work()

    def _do_streamoff(self, type: Any) -> None:
        self._run += 1
        self._busy = False
        self._ring(type.value).stop()

    def _do_encoder_cmd(self, wish: s.EncoderCommand) -> None:
        if wish.cmd != EncoderCmd.STOP:
            raise refuse(errno.EINVAL)
        self._draining = True
        self._work()

    def _control_changed(self, cid: Cid, value: int) -> None:
        if cid is Cid.MPEG_VIDEO_FORCE_KEY_FRAME:
            self._force_key = not self.moods.deaf
        elif cid is Cid.MPEG_VIDEO_BITRATE and self._silicon is not None:
            self._silicon.set_bitrate(value)

    def _work(self) -> None:
        """Give out what waits, then begin the next picture."""
        self._give_out()
        if self._busy or self._units or not self.raw_ring.waiting or not self.coded_ring.waiting:
            self._end_stream()
            return
        if self._stalls:
            return
        self._busy, run = True, self._run
        self.node.kernel.after(self.driver.latency_s, lambda: self._encode(run))

    @property
    def _stalls(self) -> bool:
        return self.moods.stalled or self.raw_ring.memory is self.moods.stalls_on

    def _encode(self, run: int) -> None:
        if run != self._run or self._stalls:
            return
        self._busy = False
        buffer = self.raw_ring.next()
        if buffer is None:
            return
        stamp = buffer.captured_ns
        data, key = self._coded_picture(buffer)
        flags = (BufFlag.KEYFRAME if key else BufFlag.PFRAME) | (BufFlag.ERROR if self.moods.damaged else 0)
        if self.moods.late:
            self._units.append((data, int(flags), max(1000, stamp - 40_000_000)))
        first = self._length_of_sets(data) if self.moods.header_apart else 0
        self._units += [(part, int(flags), stamp) for part in (data[:first], data[first:]) if part]
        if not self.moods.keeps_pictures:
            self.raw_ring.done(buffer)
        self._work()

    def _coded_picture(self, buffer: Buffer) -> tuple[bytes, bool]:
        if self._silicon is None:
            self._silicon = Silicon(self._video(), self._setting())
        layout = Layout(KINDS[self.raw.code], self.raw.width, self.raw.height, (self.raw.stride,), (self.raw.size,))
        memory = memoryview(bytearray(self.raw_ring.memory_of(buffer)[: self.raw.size]))
        force, self._force_key = self._force_key, False
        data, key = self._silicon.encode(layout.planes([memory]), buffer.captured_ns // 1000, force_key=force)
        self.pictures += 1
        repeats = self.controls.value(Cid.MPEG_VIDEO_REPEAT_SEQ_HEADER)
        if self.moods.garbage:
            return b"\x47" + data[1:], key
        if self.moods.skips and self.pictures > 1:
            return data[: self._length_of_sets(data)] or b"\0\0\0\x01\x67\x42", key
        if self.moods.pads:
            data = data.ljust(self.coded.size, b"\0")
        if key and self.pictures > 1 and not repeats:
            data = data[self._length_of_sets(data) :]
        return data, key

    def _length_of_sets(self, data: bytes) -> int:
        """Bytes of the parameter sets that stand first; 0 where there are none."""
        for begin, body in nal_offsets(data):
            if nal_type(self._codec, data[body]) not in _PARAMETER_SETS[self._codec]:
                return begin
        return 0

    @property
    def _codec(self) -> Codec:
        return Codec.H265 if self.coded.code == "HEVC" else Codec.H264

    def _video(self) -> VideoFormat:
        width, height = self.crop or (self.raw.width, self.raw.height)
        pixel = KINDS[self.raw.code].pixel or Pixel.YUV420P
        reach = Range.FULL if self.colours.quantization == Quantization.FULL else Range.LIMITED
        colorimetry = _COLORIMETRY[Colorspace(self.colours.colorspace)]
        return VideoFormat(width, height, self.fps, pixel, colorimetry, reach)

    def _setting(self) -> Setting:
        value = self.controls.value
        return Setting(
            profile={0: "baseline", 1: "baseline", 2: "main", 4: "high"}[value(Cid.MPEG_VIDEO_H264_PROFILE, 1)],
            level={11: "4.0", 12: "4.1", 13: "4.2", 14: "5.0", 15: "5.1"}[value(Cid.MPEG_VIDEO_H264_LEVEL, 11)],
            bitrate_bps=value(Cid.MPEG_VIDEO_BITRATE, 10_000_000),
            gop=value(Cid.MPEG_VIDEO_H264_I_PERIOD, 60),
            qp=(value(Cid.MPEG_VIDEO_H264_MIN_QP, 20), value(Cid.MPEG_VIDEO_H264_MAX_QP, 51)),
            says_colours=self.moods.says_colours,
            codec=self._codec,
        )

    def _give_out(self) -> None:
        """Into as many coded buffers as it takes, each filled to its end but the last."""
        while self._units and (buffer := self.coded_ring.next()) is not None:
            data, flags, stamp = self._units.pop(0)
            if len(data) > self.coded.size:
                self._units.insert(0, (data[self.coded.size :], flags, stamp))
            part = data[: self.coded.size]
            self.coded_ring.memory_of(buffer)[: len(part)] = part
            self._done(buffer, len(part), flags, stamp)

    def _end_stream(self) -> None:
        """After STOP, an empty buffer marked as the last follows what was under way."""
        if not self._draining or self._busy or self._units or self.raw_ring.waiting or self.moods.silent_drain:
            return
        if (buffer := self.coded_ring.next()) is not None:
            self._draining = False
            self._done(buffer, 0, int(BufFlag.LAST), 0)
            self._file.events.put(EventType.EOS)

    def _done(self, buffer: Buffer, used: int, flags: int, stamp: int) -> None:
        buffer.used, buffer.flags, buffer.captured_ns = used, flags, stamp
        self.coded_ring.done(buffer)


_SERVED = (
    Vidioc.QUERYCAP, Vidioc.ENUM_FMT, Vidioc.S_FMT, Vidioc.S_PARM, Vidioc.S_SELECTION, Vidioc.REQBUFS, Vidioc.QUERYBUF,
    Vidioc.QBUF, Vidioc.DQBUF, Vidioc.STREAMON, Vidioc.STREAMOFF, Vidioc.QUERYCTRL, Vidioc.S_CTRL, Vidioc.G_CTRL,
    Vidioc.ENCODER_CMD, Vidioc.SUBSCRIBE_EVENT, Vidioc.DQEVENT,
)  # fmt: skip
