"""One queue of a memory-to-memory node: buffers go to the driver and come back by number."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
from collections.abc import Sequence
from dataclasses import dataclass

from board.v4l2.abi import structs as s
from board.v4l2.abi.codes import BufFlag, BufType, Field, Memory
from board.v4l2.abi.requests import Vidioc
from board.v4l2.node import Node
from edge.model.errors import DeviceGone, EncoderFailed

_PLANES = 8  # VIDEO_MAX_PLANES


@dataclass(frozen=True, slots=True)
class Returned:
    """A buffer that the driver is done with. `stamp_us`: of the picture it is of.

    `parts`: (offset, end) of what is in each memory plane.
    """

    index: int
    parts: tuple[tuple[int, int], ...]
    stamp_us: int
    flags: int

    @property
    def last(self) -> bool:
        return bool(self.flags & BufFlag.LAST)

    @property
    def damaged(self) -> bool:
        return bool(self.flags & BufFlag.ERROR)


@dataclass(frozen=True, slots=True)
class Dmabuf:
    """Somebody else's memory plane. `size` in bytes, of all of it."""

    fd: int
    size: int


class CodecQueue:
    """Raises EncoderFailed naming device, request and the driver's reason.

    `planes`: memory planes of a buffer. With DMABUF the memory is somebody else's, named by `queue`.
    """

    def __init__(self, node: Node, buf_type: BufType, *, memory: Memory = Memory.MMAP, planes: int = 1) -> None:
        self._node = node
        self._type = buf_type
        self._memory = memory
        self._planes = planes
        self._maps: list[tuple[memoryview, ...]] = []
        self.count = 0
        self.ended = False  # the driver has given its last buffer after a drain

    def allocate(self, count: int) -> None:
        """As many as the driver gives for `count`; none is queued."""
        asked = s.v4l2_requestbuffers(count=count, type=self._type, memory=self._memory)
        self._do(Vidioc.REQBUFS, asked)
        self.count = asked.count
        if not self.count:
            raise EncoderFailed(f"{self._node.path}: the driver gives no buffers")
        if self._memory is Memory.MMAP:
            self._maps = [self._map(index) for index in range(self.count)]

    def memories(self, index: int) -> tuple[memoryview, ...]:
        """The mapped memory planes of a buffer of the driver's own."""
        return self._maps[index]

    def queue(self, index: int, *, used: Sequence[int] = (), stamp_us: int = 0, dmabufs: Sequence[Dmabuf] = ()) -> None:
        """Hand a buffer over: to be filled, or with `used` bytes in each plane."""
        buffer, planes = self._buffer(index)
        buffer.field = Field.NONE
        buffer.timestamp.secs, buffer.timestamp.usecs = divmod(stamp_us, 1_000_000)
        if planes is None:
            buffer.bytesused = used[0] if used else 0
            if dmabufs:
                buffer.m.fd = dmabufs[0].fd
        else:
            for plane, size in zip(planes, used, strict=False):
                plane.bytesused = size
            for plane, dmabuf in zip(planes, dmabufs, strict=False):
                # without its length the kernel takes `bytesused` for too much (__verify_length in videobuf2-v4l2.c)
                plane.m.fd, plane.length = dmabuf.fd, dmabuf.size
        self._do(Vidioc.QBUF, buffer)

    def take(self) -> Returned | None:
        """The next buffer that the driver gives back; None when there is none now, or none any more (`ended`)."""
        buffer, planes = self._buffer(0)
        try:
            self._node.do(Vidioc.DQBUF, buffer)
        except BlockingIOError:
            return None
        except OSError as error:
            if error.errno == errno.EPIPE:
                self.ended = True
                return None
            raise self._broken(Vidioc.DQBUF, error) from error
        parts = (
            ((0, buffer.bytesused),)
            if planes is None
            else tuple((plane.data_offset, plane.bytesused) for plane in planes[: self._planes])
        )
        stamp = buffer.timestamp
        return Returned(buffer.index, parts, stamp.secs * 1_000_000 + stamp.usecs, buffer.flags)

    def start(self) -> None:
        self._do_int(Vidioc.STREAMON)

    def stop(self) -> None:
        """The driver lets go of all buffers. Raises nothing."""
        with contextlib.suppress(OSError, DeviceGone):
            self._node.do_int(Vidioc.STREAMOFF, self._type)

    def free(self) -> None:
        """Raises nothing."""
        self._maps, self.count = [], 0
        with contextlib.suppress(OSError, DeviceGone):
            self._node.do(Vidioc.REQBUFS, s.v4l2_requestbuffers(count=0, type=self._type, memory=self._memory))

    def _map(self, index: int) -> tuple[memoryview, ...]:
        buffer, planes = self._buffer(index)
        self._do(Vidioc.QUERYBUF, buffer)
        places = (
            [(buffer.length, buffer.m.offset)]
            if planes is None
            else [(plane.length, plane.m.mem_offset) for plane in planes[: self._planes]]
        )
        try:
            return tuple(self._node.kernel.map(self._node.fd, length, offset) for length, offset in places)
        except OSError as error:
            raise EncoderFailed(f"{self._node.path}: mmap: {os.strerror(error.errno or 0)}") from error

    def _buffer(self, index: int) -> tuple[s.v4l2_buffer, ctypes.Array[s.v4l2_plane] | None]:
        buffer = s.v4l2_buffer(index=index, type=self._type, memory=self._memory)
        if not self._type.multiplanar:
            return buffer, None
        planes = (s.v4l2_plane * _PLANES)()
        buffer.m.planes = ctypes.cast(planes, ctypes.POINTER(s.v4l2_plane))
        buffer.length = self._planes
        return buffer, planes

    def _do(self, request: Vidioc, argument: ctypes.Structure) -> None:
        try:
            self._node.do(request, argument)
        except OSError as error:
            raise self._broken(request, error) from error

    def _do_int(self, request: Vidioc) -> None:
        try:
            self._node.do_int(request, self._type)
        except OSError as error:
            raise self._broken(request, error) from error

    def _broken(self, request: Vidioc, error: OSError) -> EncoderFailed:
        return broken(self._node, f"{request.name} {self._type.name}", error)


def broken(node: Node, doing: str, error: OSError) -> EncoderFailed:
    """The error for a request that failed, naming device, request and the driver's reason."""
    return EncoderFailed(f"{node.path}: {doing}: {os.strerror(error.errno or 0)}")
