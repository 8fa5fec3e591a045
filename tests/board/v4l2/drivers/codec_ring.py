"""One queue of a memory-to-memory file: buffers of its own or imported ones, single- or multi-planar."""

from __future__ import annotations

import errno
import mmap
import os
from collections import deque

from board.v4l2.abi import structs as s
from board.v4l2.abi.codes import BufFlag, BufType, Memory
from tests.board.v4l2.drivers.kernel import Misuse, refuse
from tests.board.v4l2.drivers.ring import Buffer, State


class CodecRing:
    """`imports`: whether other drivers' memory can be read. `offset`: where its buffers lie for mmap.

    A taken buffer is one that the driver works on; `done` gives it back.
    """

    def __init__(self, type: BufType, *, imports: bool, offset: int) -> None:
        self._type = type
        self._imports = imports
        self._offset = offset
        self.memory = Memory.MMAP
        self._size = 0
        self._queued: deque[Buffer] = deque()
        self._done: deque[Buffer] = deque()
        self.imported: dict[int, mmap.mmap] = {}
        self.buffers: list[Buffer] = []
        self.streaming = False
        self.drained = False

    @property
    def ready(self) -> bool:
        return bool(self._done) or self.drained

    @property
    def waiting(self) -> int:
        """Buffers that the driver may work on."""
        return len(self._queued) if self.streaming else 0

    @property
    def all_idle(self) -> bool:
        """Whether none of the buffers is with the driver."""
        return all(buffer.state is State.TAKEN for buffer in self.buffers)

    def request(self, wish: s.v4l2_requestbuffers, size: int, *, most: int) -> None:
        if self.streaming:
            raise Misuse("REQBUFS while streaming")
        if wish.memory not in (Memory.MMAP, Memory.DMABUF) or (wish.memory == Memory.DMABUF and not self._imports):
            raise refuse(errno.EINVAL)
        self.stop()
        self.buffers, self.imported = [], {}
        if not wish.count:
            return
        wish.count = min(most, wish.count)
        self.memory, self._size = Memory(wish.memory), size
        self.buffers = [Buffer(index, size) for index in range(wish.count)]
        for buffer in self.buffers:
            buffer.offset = self._offset + (buffer.index << 25)

    def query(self, asked: s.v4l2_buffer) -> None:
        self._describe(self._buffer(asked), asked)

    def queue(self, given: s.v4l2_buffer) -> None:
        buffer = self._buffer(given)
        if buffer.state is not State.TAKEN:
            raise Misuse(f"QBUF of buffer {buffer.index}, which is {buffer.state.name.lower()}")
        if given.memory != self.memory:
            raise Misuse(f"memory kind {given.memory} in a queue of {self.memory.name}")
        used, fd = self._read(given)
        if self.memory is Memory.DMABUF:
            self.imported[buffer.index] = self._import(fd)
        buffer.used, buffer.flags = used, 0
        buffer.captured_ns = (given.timestamp.secs * 1_000_000 + given.timestamp.usecs) * 1000
        buffer.state = State.QUEUED
        self._queued.append(buffer)

    def take(self, into: s.v4l2_buffer) -> None:
        if not self.streaming:
            raise Misuse("DQBUF while not streaming")
        if not self._done:
            raise refuse(errno.EPIPE if self.drained else errno.EAGAIN)
        buffer = self._done.popleft()
        buffer.state = State.TAKEN
        if buffer.flags & BufFlag.LAST:
            self.drained = True
        self._describe(buffer, into)

    def start(self) -> None:
        if not self.buffers:
            raise Misuse("STREAMON without buffers")
        self.streaming = True

    def stop(self) -> None:
        """All buffers are the program's again."""
        for buffer in self.buffers:
            buffer.state = State.TAKEN
        self._queued.clear()
        self._done.clear()
        self.streaming = self.drained = False

    def next(self) -> Buffer | None:
        """The oldest queued buffer, now the driver's to work on."""
        return self._queued.popleft() if self.streaming and self._queued else None

    def done(self, buffer: Buffer) -> None:
        buffer.state = State.FILLED
        self._done.append(buffer)

    def memory_of(self, buffer: Buffer) -> mmap.mmap:
        return self.imported.get(buffer.index, buffer.memory)

    def _read(self, given: s.v4l2_buffer) -> tuple[int, int]:
        """(bytes used, descriptor)."""
        if not self._type.multiplanar:
            return given.bytesused, given.m.fd
        if not 1 <= given.length <= 8:
            raise refuse(errno.EINVAL)
        plane = given.m.planes[0]
        if given.memory == Memory.DMABUF and plane.length < plane.bytesused:
            raise refuse(errno.EINVAL)  # __verify_length in videobuf2-v4l2.c
        return plane.bytesused, plane.m.fd

    def _import(self, fd: int) -> mmap.mmap:
        """Raises OSError as videobuf2: EINVAL for what is no DMABUF or too small."""
        try:
            size = os.fstat(fd).st_size
        except OSError:
            raise refuse(errno.EINVAL) from None
        if size < self._size:
            raise refuse(errno.EINVAL)
        return mmap.mmap(fd, size, prot=mmap.PROT_READ)

    def _buffer(self, asked: s.v4l2_buffer) -> Buffer:
        if asked.index >= len(self.buffers):
            raise Misuse(f"buffer {asked.index} of {len(self.buffers)}")
        return self.buffers[asked.index]

    def _describe(self, buffer: Buffer, into: s.v4l2_buffer) -> None:
        into.index, into.type, into.memory = buffer.index, self._type, self.memory
        into.flags = buffer.flags | BufFlag.TIMESTAMP_COPY
        into.timestamp.secs, into.timestamp.usecs = divmod(buffer.captured_ns // 1000, 1_000_000)
        if not self._type.multiplanar:
            into.length, into.bytesused, into.m.offset = buffer.length, buffer.used, buffer.offset
            return
        plane = into.m.planes[0]
        plane.length, plane.bytesused, plane.m.mem_offset = buffer.length, buffer.used, buffer.offset
        plane.data_offset = 0
        into.length = 1
