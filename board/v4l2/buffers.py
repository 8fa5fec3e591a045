"""The driver's frame buffers: allocated, mapped, queued, lent out, given back."""

from __future__ import annotations

import contextlib
import ctypes
import os
import threading
from dataclasses import dataclass

from board.v4l2.abi import structs as s
from board.v4l2.abi.codes import BufFlag, BufType, Memory
from board.v4l2.abi.requests import Vidioc
from board.v4l2.node import Node
from edge.model.errors import DeviceGone

_READABLE = os.O_CLOEXEC | os.O_RDWR


@dataclass(frozen=True, slots=True)
class Filled:
    """A buffer that the driver has filled. `captured_ns`: its time stamp, CLOCK_MONOTONIC when `monotonic`.

    `parts`: (offset, end) of what was written, for each memory plane.
    """

    index: int
    sequence: int
    captured_ns: int
    field: int
    parts: tuple[tuple[int, int], ...]
    monotonic: bool
    damaged: bool


@dataclass(frozen=True, slots=True)
class DriverBuffer:
    """One buffer on loan, for a frame's lease: an encoder that imports DMABUFs takes it without a copy."""

    ring: BufferRing
    index: int

    def export(self) -> tuple[int, ...]:
        """A DMABUF file descriptor for each memory plane; the caller closes them. Raises OSError."""
        return self.ring.export(self.index)

    def give_back(self) -> None:
        self.ring.give_back(self.index)


class BufferRing:
    """One allocation. Raises OSError as the driver says, DeviceGone where it gives too few buffers.

    `give_back` may come from any thread, also after `end`: then it does nothing, since the
    buffers of an ended ring are no longer the driver's to fill.
    """

    def __init__(self, node: Node, buf_type: BufType, *, count: int, planes: int) -> None:
        self._node = node
        self._type = buf_type
        self.memory_planes = planes
        self._lock = threading.Lock()
        self._ended = False
        self._slots: list[tuple[memoryview, ...]] = []
        self.on_loan = 0
        asked = node.do(Vidioc.REQBUFS, s.v4l2_requestbuffers(count=count, type=buf_type, memory=Memory.MMAP))
        if asked.count < 2:
            self._release_all()
            raise DeviceGone(f"{node.path}: the driver gives {asked.count} buffers of {count}; 2 are needed")
        try:
            for index in range(asked.count):
                self._slots.append(self._map(index))
            for index in range(asked.count):
                self._queue(index)
        except OSError:
            self.end()
            raise

    @property
    def count(self) -> int:
        return len(self._slots)

    def memories(self, filled: Filled) -> tuple[memoryview, ...]:
        """What the driver has written into that buffer, without what lies around it."""
        slot = self._slots[filled.index]
        return tuple(memory[begin:end] for memory, (begin, end) in zip(slot, filled.parts, strict=True))

    def take(self) -> Filled | None:
        """The oldest filled buffer, now on loan; None when there is none. Raises OSError."""
        buffer, planes = self._buffer(0)
        try:
            self._node.do(Vidioc.DQBUF, buffer)
        except BlockingIOError:
            return None
        with self._lock:
            self.on_loan += 1
        stamp = buffer.timestamp
        parts = (
            ((0, buffer.bytesused),)
            if planes is None
            else tuple((plane.data_offset, plane.bytesused) for plane in planes[: self.memory_planes])
        )
        return Filled(
            index=buffer.index,
            sequence=buffer.sequence,
            captured_ns=stamp.secs * 1_000_000_000 + stamp.usecs * 1000,
            field=buffer.field,
            parts=parts,
            monotonic=buffer.flags & BufFlag.TIMESTAMP_MASK == BufFlag.TIMESTAMP_MONOTONIC,
            damaged=bool(buffer.flags & BufFlag.ERROR),
        )

    def give_back(self, index: int) -> None:
        """The driver may fill that buffer again."""
        with self._lock:
            self.on_loan -= 1
            if not self._ended:
                with contextlib.suppress(OSError, DeviceGone):  # the reader learns of it from his own request
                    self._queue(index)

    def export(self, index: int) -> tuple[int, ...]:
        """A DMABUF file descriptor for each memory plane; the caller closes them. Raises OSError, DeviceGone.

        After `end` that number may be a buffer of the next ring, with another picture: it is not given out then.
        """
        with self._lock:
            if self._ended:
                raise DeviceGone(f"{self._node.path}: the stream of that buffer has ended")
            return self._export(index)

    def end(self) -> None:
        """Give all back to the driver; pictures on loan stay readable until their release."""
        with self._lock:
            if self._ended:
                return
            self._ended = True
            self._slots.clear()
        self._release_all()

    def _export(self, index: int) -> tuple[int, ...]:
        found: list[int] = []
        try:
            for plane in range(self.memory_planes):
                wanted = s.ExportBuffer(type=self._type, index=index, plane=plane, flags=_READABLE)
                found.append(self._node.do(Vidioc.EXPBUF, wanted).fd)
        except OSError:
            for fd in found:
                os.close(fd)
            raise
        return tuple(found)

    def _release_all(self) -> None:
        free = s.v4l2_requestbuffers(count=0, type=self._type, memory=Memory.MMAP)
        with contextlib.suppress(OSError, DeviceGone):  # EBUSY before Linux 4.20 while a picture is on loan
            self._node.do(Vidioc.REQBUFS, free)

    def _map(self, index: int) -> tuple[memoryview, ...]:
        buffer, planes = self._buffer(index)
        self._node.do(Vidioc.QUERYBUF, buffer)
        places = (
            [(p.length, p.m.mem_offset) for p in planes[: self.memory_planes]]
            if planes is not None
            else [(buffer.length, buffer.m.offset)]
        )
        return tuple(self._node.kernel.map(self._node.fd, length, offset) for length, offset in places)

    def _queue(self, index: int) -> None:
        self._node.do(Vidioc.QBUF, self._buffer(index)[0])

    def _buffer(self, index: int) -> tuple[s.v4l2_buffer, ctypes.Array[s.v4l2_plane] | None]:
        buffer = s.v4l2_buffer(index=index, type=self._type, memory=Memory.MMAP)
        if self._type is not BufType.VIDEO_CAPTURE_MPLANE:
            return buffer, None
        planes = (s.v4l2_plane * 8)()
        buffer.m.planes = ctypes.cast(planes, ctypes.POINTER(s.v4l2_plane))
        buffer.length = 8
        return buffer, planes
