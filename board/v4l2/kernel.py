"""The system calls that this package makes, as an object: tests put a driver made of Python in its place."""

from __future__ import annotations

import ctypes
import fcntl
import glob
import mmap
import os
import select
from collections.abc import Mapping, Sequence
from typing import Protocol

READ = select.POLLIN | select.POLLRDNORM
WRITE = select.POLLOUT | select.POLLWRNORM
EXCEPT = select.POLLPRI
TROUBLE = select.POLLERR | select.POLLHUP | select.POLLNVAL


class Kernel(Protocol):
    """Every method raises OSError with the driver's errno."""

    def paths(self, prefix: str) -> Sequence[str]:
        """Device nodes such as `/dev/video` and a number, in order of their numbers. Raises nothing."""
        ...

    def open(self, path: str) -> int: ...
    def close(self, fd: int) -> None: ...
    def ioctl(self, fd: int, request: int, argument: ctypes.Structure | ctypes._SimpleCData[int]) -> int: ...
    def map(self, fd: int, length: int, offset: int) -> memoryview:
        """A buffer of the driver's, readable and writable; unmapped when nobody holds a view of it any more."""
        ...

    def poll(self, events: Mapping[int, int], timeout_s: float) -> Mapping[int, int]:
        """What happened, by file descriptor; empty on time-out."""
        ...


class LinuxKernel:
    """The real one."""

    def paths(self, prefix: str) -> Sequence[str]:
        return sorted(glob.glob(f"{prefix}[0-9]*"), key=lambda path: (len(path), path))

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
        return memoryview(mmap.mmap(fd, length, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE, offset=offset))

    def poll(self, events: Mapping[int, int], timeout_s: float) -> Mapping[int, int]:
        poller = select.poll()
        for fd, wanted in events.items():
            poller.register(fd, wanted)
        return dict(poller.poll(max(0.0, timeout_s) * 1000))
