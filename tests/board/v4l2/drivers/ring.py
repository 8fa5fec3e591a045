"""The buffers of one queue, as videobuf2 keeps them: queued, filled, taken; memory that can be exported."""

from __future__ import annotations

import errno
import mmap
import os
from collections import deque
from enum import Enum, auto

from board.v4l2.abi import structs as s
from board.v4l2.abi.codes import BufFlag, Field, Memory
from board.v4l2.kernel import READ
from tests.board.v4l2.drivers.kernel import Misuse, OpenFile, refuse

_PAGE = 4096
_STRIDE = 1 << 28  # between the mmap offsets of two buffers
_MOST = 32


class State(Enum):
    TAKEN = auto()
    QUEUED = auto()
    FILLED = auto()


class Buffer:
    """Shared memory, so that what EXPBUF gives is the same memory."""

    def __init__(self, index: int, size: int) -> None:
        self.index = index
        self.state = State.TAKEN
        self.length = -(-size // _PAGE) * _PAGE
        self.offset = index * _STRIDE
        self.fd = os.memfd_create(f"buffer-{index}", os.MFD_CLOEXEC)
        os.ftruncate(self.fd, self.length)
        self.memory = mmap.mmap(self.fd, self.length)
        self.used = self.sequence = self.flags = 0
        self.field = int(Field.NONE)
        self.captured_ns = 0

    def __del__(self) -> None:
        os.close(self.fd)


class BufferQueue:
    """`least` is the smallest number that the driver gives. A queue belongs to the file that asked for it."""

    def __init__(self, *, type: int, least: int) -> None:
        self._type = type
        self._least = least
        self._filled: deque[Buffer] = deque()
        self._queued: deque[Buffer] = deque()
        self.buffers: list[Buffer] = []
        self.owner: OpenFile | None = None
        self.other_program = False
        self.streaming = False
        self.broken = False

    @property
    def allocated(self) -> bool:
        return bool(self.buffers) or self.other_program

    @property
    def waiting(self) -> int:
        """Buffers that the driver may fill."""
        return len(self._queued)

    def check_owner(self, file: OpenFile) -> None:
        """Raises OSError, EBUSY, when the buffers are somebody else's."""
        if self.other_program or self.owner not in (None, file):
            raise refuse(errno.EBUSY)

    def request(self, file: OpenFile, wish: s.v4l2_requestbuffers, size: int) -> None:
        self._check(wish.type, wish.memory)
        self.check_owner(file)
        if self.streaming:
            raise Misuse("REQBUFS while streaming")
        self.free()
        if not wish.count:
            return
        wish.count = min(_MOST, max(wish.count, self._least))
        self.buffers = [Buffer(index, size) for index in range(wish.count)]
        self.owner = file

    def free(self) -> None:
        """Whoever has the memory mapped keeps it."""
        self._queued.clear()
        self._filled.clear()
        self.buffers = []
        self.owner = None
        self.streaming = self.broken = False

    def query(self, asked: s.v4l2_buffer) -> None:
        self._describe(self._buffer(asked), asked)

    def queue(self, file: OpenFile, given: s.v4l2_buffer) -> None:
        self._check(given.type, given.memory)
        self.check_owner(file)
        buffer = self._buffer(given)
        if buffer.state is not State.TAKEN:
            raise Misuse(f"QBUF of buffer {buffer.index}, which is {buffer.state.name.lower()}")
        if self.broken:
            raise refuse(errno.EIO)
        buffer.state = State.QUEUED
        self._queued.append(buffer)
        self._describe(buffer, given)

    def take(self, file: OpenFile, into: s.v4l2_buffer) -> None:
        """Raises OSError: EAGAIN when none is filled, EIO when the hardware has failed."""
        self._check(into.type, into.memory)
        self.check_owner(file)
        if not self.streaming:
            raise Misuse("DQBUF while not streaming")
        if self.broken:
            raise refuse(errno.EIO)
        if not self._filled:
            raise refuse(errno.EAGAIN)
        buffer = self._filled.popleft()
        buffer.state = State.TAKEN
        self._describe(buffer, into)

    def export(self, file: OpenFile, wish: s.ExportBuffer) -> None:
        self.check_owner(file)
        if wish.index >= len(self.buffers) or wish.plane:
            raise Misuse(f"EXPBUF of buffer {wish.index}, plane {wish.plane}; there are {len(self.buffers)} buffers")
        wish.fd = os.dup(self.buffers[wish.index].fd)

    def map(self, length: int, offset: int) -> memoryview:
        buffer = next((one for one in self.buffers if one.offset == offset), None)
        if buffer is None:
            raise Misuse(f"mmap at {offset:#x}, where no buffer is")
        if length != buffer.length:
            raise Misuse(f"mmap of {length} bytes of a buffer of {buffer.length}")
        return memoryview(buffer.memory)

    def check_start(self, file: OpenFile, type: int) -> None:
        if type != self._type:
            raise Misuse(f"buffer type {type} on a queue of type {self._type}")
        self.check_owner(file)
        if not self.buffers:
            raise Misuse("STREAMON without buffers")

    def stop(self) -> None:
        """All buffers are the program's again."""
        for buffer in self.buffers:
            buffer.state = State.TAKEN
        self._queued.clear()
        self._filled.clear()
        self.streaming = self.broken = False

    def to_fill(self) -> Buffer | None:
        """The next buffer for the driver; None when the program holds all: the picture is lost."""
        return self._queued.popleft() if self._queued else None

    def filled(self, buffer: Buffer) -> None:
        buffer.state = State.FILLED
        self._filled.append(buffer)

    def ready(self, wanted: int) -> int:
        """As vb2_core_poll: trouble for who waits on a queue that does not stream or is broken."""
        if not wanted & READ:
            return 0
        if not self.streaming or self.broken:
            return POLLERR
        return wanted & READ if self._filled else 0

    def _buffer(self, asked: s.v4l2_buffer) -> Buffer:
        if asked.index >= len(self.buffers):
            raise Misuse(f"buffer {asked.index} of {len(self.buffers)}")
        return self.buffers[asked.index]

    def _check(self, type: int, memory: int) -> None:
        if type != self._type:
            raise Misuse(f"buffer type {type} on a queue of type {self._type}")
        if memory != Memory.MMAP:
            raise Misuse(f"memory kind {memory}; these fakes lend their own")

    def _describe(self, buffer: Buffer, into: s.v4l2_buffer) -> None:
        into.index, into.type, into.memory = buffer.index, self._type, Memory.MMAP
        into.length, into.m.offset = buffer.length, buffer.offset
        into.bytesused, into.sequence, into.field = buffer.used, buffer.sequence, buffer.field
        into.flags = buffer.flags | BufFlag.TIMESTAMP_MONOTONIC
        into.timestamp.secs = buffer.captured_ns // 1_000_000_000
        into.timestamp.usecs = buffer.captured_ns % 1_000_000_000 // 1000


POLLERR = 8
