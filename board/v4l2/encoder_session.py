"""One run of an encoder node: formats agreed, controls set, both queues streaming; one picture in, its unit out."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

from board.v4l2.abi import structs as s
from board.v4l2.abi.codes import Cid, EncoderCmd, EventType, Memory
from board.v4l2.abi.requests import Vidioc
from board.v4l2.buffers import DriverBuffer
from board.v4l2.codec_queue import CodecQueue, Dmabuf, Returned, broken
from board.v4l2.coding import GARBAGE, Coding, Picture
from board.v4l2.control_set import ControlSet
from board.v4l2.encoder_node import EncoderNode
from board.v4l2.encoder_wishes import traits_of
from board.v4l2.fill import fill
from board.v4l2.imports import Imports
from board.v4l2.kernel import EXCEPT, READ, WRITE
from board.v4l2.layout import Kind, Layout
from board.v4l2.m2m_format import agree_on_coded, agree_on_raw, set_rate
from board.v4l2.node import Node
from board.v4l2.unit_parts import Dropped, UnitParts
from edge.model.errors import EncoderFailed, Unavailable
from edge.model.frame import Plane
from edge.model.video import EncodeTarget, Pixel, Trait, VideoFormat
from edge.ports import ENCODE_DEADLINE_S, Clock, Retarget

_RAW_BUFFERS = 2  # of the encoder's own; one is in use at a time
_IMPORTS = 16  # slots; a capture ring has fewer buffers
_CODED_BUFFERS = 4
# A keyframe of the ceiling must fit: drivers begin with as little as 512 KiB (bcm2835-codec) and split what is larger.
_CODED_ROOM_BYTES = 3 << 19
_FIRST = 4  # the first picture of a run may take so many times the deadline
_SETTLE_S = 0.05  # how long to wait for the rest of what may be whole
_MANY_EVENTS = 64  # a driver's queue is shorter; one that never empties must not hold us


@dataclass(frozen=True, slots=True)
class Feed:
    """How pictures reach the encoder: in which layout, in whose memory; `stride` 0 is the driver's choice."""

    kind: Kind
    memory: Memory = Memory.MMAP
    stride: int = 0


class EncoderSession:
    """The constructor starts it. Raises NotSupported for a format, DeviceGone, EncoderFailed for everything else."""

    def __init__(
        self,
        *,
        found: EncoderNode,
        node: Node,
        feed: Feed,
        coding: Coding,
        video: VideoFormat,
        target: EncodeTarget,
        clock: Clock,
        dropped: Dropped,
    ) -> None:
        self.feed = feed
        self._node = node
        self._sides = found.sides
        self._coding = coding
        self._clock = clock
        self._video = video
        self._dropped = dropped
        self.controls = ControlSet(node)
        self._imports = Imports(0)
        self.begun = False  # whether a picture has come out
        self.lost = False  # whether a unit is missing between the last keyframe and now
        self._last_us = 0
        self.healthy = True
        self._raw = CodecQueue(node, found.sides.raw, memory=feed.memory, planes=feed.kind.buffers)
        self._coded = CodecQueue(node, found.sides.coded)
        try:
            self.layout = self._agree(video)
            self.traits = self._set_up(video, target)
            self._start()
        except OSError as error:
            self.healthy = False
            self.close()
            raise broken(node, "setting it up", error) from error
        except BaseException:
            self.healthy = False
            self.close()
            raise

    @property
    def can_force_keys(self) -> bool:
        return self.controls.has(Cid.MPEG_VIDEO_FORCE_KEY_FRAME)

    def encode_copy(self, planes: Sequence[Plane], given: Pixel, *, stamp_us: int, force_key: bool) -> Picture | None:
        """Encode a copy of the picture; None when the encoder skips it. Raises EncoderFailed."""
        pixel = self.feed.kind.pixel or given
        fill(self.layout.planes(self._raw.memories(0)), pixel, planes, given, (self._video.width, self._video.height))
        return self._encode(0, (), stamp_us, force_key)

    def admit(self, buffer: DriverBuffer) -> None:
        """See that its picture can be read in place. Raises DeviceGone when its capture has ended, EncoderFailed."""
        self._imports.slot(buffer)

    def encode_import(self, buffer: DriverBuffer, *, stamp_us: int, force_key: bool) -> Picture | None:
        """Encode the picture, which has been admitted, where it lies. Raises EncoderFailed."""
        slot, dmabufs = self._imports.slot(buffer)
        return self._encode(slot, dmabufs, stamp_us, force_key)

    def set_bitrate(self, bps: int) -> Retarget:
        try:
            self.controls.change(Cid.MPEG_VIDEO_BITRATE, bps)
        except OSError:
            return Retarget.NEEDS_NEW_EPOCH
        return Retarget.LIVE

    def drain(self) -> bool:
        """Have the encoder put out all that it still holds; whether it has said that there is no more."""
        try:
            self._node.do(Vidioc.ENCODER_CMD, s.EncoderCommand(cmd=EncoderCmd.STOP))
            end_ns = self._after(ENCODE_DEADLINE_S)
            while not self._coded.ended:
                taken = self._coded.take()
                if taken is not None and taken.last:
                    return True
                if taken is None and not self._coded.ended and not self._wait(end_ns, EXCEPT):
                    return False
        except (OSError, Unavailable):
            return False
        return True

    def close(self) -> None:
        """Raises nothing; takes no longer than the driver's own STREAMOFF, after a drain while all is well."""
        if self.healthy and self.begun:
            self.drain()
        self.healthy = False
        for queue in (self._raw, self._coded):
            queue.stop()
        for queue in (self._raw, self._coded):
            queue.free()
        self._imports.close()
        self._node.close()

    def _agree(self, video: VideoFormat) -> Layout:
        """The coded side first and again: drivers derive its size from the raw one, and the buffers' from both."""
        room = max(_CODED_ROOM_BYTES, video.width * video.height * 3 // 4)
        agree_on_coded(self._node, self._sides, self._coding.code, video, room_bytes=room)
        layout = agree_on_raw(self._node, self._sides, self.feed.kind, video, stride=self.feed.stride)
        if self.feed.stride and layout.strides[0] != self.feed.stride:
            raise EncoderFailed(f"{self._node.path}: rows of {layout.strides[0]} bytes, not {self.feed.stride}")
        if self.feed.memory is Memory.DMABUF and self.feed.kind.planar and layout.height != video.height:
            raise EncoderFailed(f"{self._node.path}: pictures of {layout.height} rows, not {video.height}")
        agree_on_coded(self._node, self._sides, self._coding.code, video, room_bytes=room)
        set_rate(self._node, self._sides, video.fps)
        return layout

    def _set_up(self, video: VideoFormat, target: EncodeTarget) -> frozenset[Trait]:
        self._coding.set_up(self.controls, video, target)
        with contextlib.suppress(OSError):  # the flag of the last buffer says the same
            self._node.do(Vidioc.SUBSCRIBE_EVENT, s.EventSubscription(type=EventType.EOS))
        return traits_of(self.controls)

    def _start(self) -> None:
        self._raw.allocate(_RAW_BUFFERS if self.feed.memory is Memory.MMAP else _IMPORTS)
        self._imports = Imports(self._raw.count)
        self._coded.allocate(_CODED_BUFFERS)
        for index in range(self._coded.count):
            self._coded.queue(index)
        self._raw.start()
        self._coded.start()

    def _encode(self, slot: int, dmabufs: Sequence[Dmabuf], stamp_us: int, force_key: bool) -> Picture | None:
        """Both the unit and the picture's buffer are back when this returns; a failed session may only be closed."""
        stamp_us = self._last_us = max(stamp_us, self._last_us + 1)  # it tells units apart: never the same twice
        limit_s = ENCODE_DEADLINE_S * (1 if self.begun else _FIRST)
        try:
            if force_key and self.can_force_keys:
                self.controls.press(Cid.MPEG_VIDEO_FORCE_KEY_FRAME)
            self._raw.queue(slot, used=self.layout.needed(), stamp_us=stamp_us, dmabufs=dmabufs)
            return self._unit(stamp_us, limit_s)
        except OSError as error:
            self.healthy = False
            raise broken(self._node, "encoding", error) from error
        except EncoderFailed:
            self.healthy = False
            raise

    def _unit(self, stamp_us: int, limit_s: float) -> Picture | None:
        unit = UnitParts(self._coding, stamp_us, dropped=self._dropped, first=not self.begun)
        end_ns = settle_ns = self._after(limit_s)
        returned = False
        while True:
            returned = returned or self._raw.take() is not None
            if (taken := self._coded.take()) is not None:
                self._read(taken, unit)
                settle_ns = self._after(_SETTLE_S)
            elif unit.done and returned:
                break
            elif not self._wait(min(end_ns, settle_ns) if unit.unsure else end_ns, 0 if returned else WRITE):
                if not unit.unsure or self._clock.mono_ns() >= end_ns:
                    raise EncoderFailed(f"{self._node.path}: no picture within {limit_s:g} s", code="encoder_stalled")
                unit.settle()
        self.begun = True
        self.lost = (self.lost or unit.lost) and not (unit.picture is not None and unit.picture.key)
        return unit.picture

    def _read(self, taken: Returned, unit: UnitParts) -> None:
        """The buffer is the driver's again afterwards."""
        memory = self._coded.memories(taken.index)[0]
        begin, end = taken.parts[0]
        data = bytes(memory[begin:end])
        self._coded.queue(taken.index)
        if taken.damaged:
            raise EncoderFailed(f"{self._node.path}: the driver marks a unit as damaged", code=GARBAGE)
        try:
            unit.add(data, taken.stamp_us, room=len(memory))
        except EncoderFailed as error:
            raise EncoderFailed(f"{self._node.path}: {error}", code=error.code) from error

    def _wait(self, end_ns: int, further: int) -> bool:
        """Whether something has happened before that time."""
        left_s = (end_ns - self._clock.mono_ns()) / 1e9
        if left_s <= 0:
            return False
        happened = self._node.kernel.poll({self._node.fd: READ | further}, left_s)
        bits = happened.get(self._node.fd, 0)
        if bits & EXCEPT:
            self._take_events()
        if bits and not bits & (READ | WRITE | EXCEPT):
            raise EncoderFailed(f"{self._node.path}: the driver reports an error")
        return bool(bits)

    def _take_events(self) -> None:
        """The end of stream shows in the last buffer, and nothing else is asked for."""
        with contextlib.suppress(OSError):
            for _ in range(_MANY_EVENTS):
                self._node.do(Vidioc.DQEVENT, s.Event())

    def _after(self, seconds: float) -> int:
        return self._clock.mono_ns() + round(seconds * 1e9)
