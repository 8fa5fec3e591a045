"""The system calls that this package makes, as an object: tests put a driver made of Python in its place."""

from __future__ import annotations

import ctypes
import fcntl
import mmap
import os
import select
from collections.abc import Mapping
from typing import Protocol

READ = select.POLLIN | select.POLLRDNORM
EXCEPT = select.POLLPRI
TROUBLE = select.POLLERR | select.POLLHUP | select.POLLNVAL


class Kernel(Protocol):
    """Every method raises OSError with the driver's errno."""

    def open(self, path: str) -> int: ...
    def close(self, fd: int) -> None: ...
    def ioctl(self, fd: int, request: int, argument: ctypes.Structure | ctypes._SimpleCData[int]) -> int: ...
    def map(self, fd: int, length: int, offset: int) -> memoryview:
        """A buffer of the driver's, readable and writable."""
        ...

    def unmap(self, memory: memoryview) -> None: ...
    def poll(self, events: Mapping[int, int], timeout_s: float) -> Mapping[int, int]:
        """What happened, by file descriptor; empty on time-out."""
        ...


class LinuxKernel:
    """The real one."""

    def __init__(self) -> None:
        self._maps: dict[int, mmap.mmap] = {}

    def open(self, path: str) -> int:
        return os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)

    def close(self, fd: int) -> None:
        os.close(fd)

    def ioctl(self, fd: int, request: int, argument: ctypes.Structure | ctypes._SimpleCData[int]) -> int:
        while True:
            try:
                return int(fcntl.ioctl(fd, request, argument, True))
            except InterruptedError:
                continue

    def map(self, fd: int, length: int, offset: int) -> memoryview:
        mapped = mmap.mmap(fd, length, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE, offset=offset)
        memory = memoryview(mapped)
        self._maps[id(memory)] = mapped
        return memory

    def unmap(self, memory: memoryview) -> None:
        """The mapping ends with the last view into it, so that a picture on loan stays readable."""
        mapped = self._maps.pop(id(memory))
        memory.release()
        try:
            mapped.close()
        except BufferError:
            return  # somebody looks at it still; it is unmapped with their view

    def poll(self, events: Mapping[int, int], timeout_s: float) -> Mapping[int, int]:
        poller = select.poll()
        for fd, wanted in events.items():
            poller.register(fd, wanted)
        return dict(poller.poll(max(0.0, timeout_s) * 1000))
