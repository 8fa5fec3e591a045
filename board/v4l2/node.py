"""One open device node: requests go in as structures, the driver's refusals come out as OSError."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
from typing import Self, TypeVar

from board.v4l2.abi.requests import MediaIoc, Vidioc
from board.v4l2.kernel import Kernel
from edge.model.errors import DeviceGone

_GONE = frozenset((errno.ENODEV, errno.ENXIO, errno.EBADF))
_ABSENT = frozenset((errno.ENOTTY, errno.ENODATA, errno.EINVAL))
_Struct = TypeVar("_Struct", bound=ctypes.Structure)


class Node:
    """Use as a context, or `close` it. `path` as in `/dev/video0`.

    The constructor raises DeviceGone (`device_gone`; `device_denied` when access is refused,
    `device_in_use` when the driver lets one process in only).
    """

    def __init__(self, path: str, *, kernel: Kernel) -> None:
        self.path = path
        self.kernel = kernel
        self._fd = -1
        try:
            self._fd = kernel.open(path)
        except OSError as error:
            raise _open_refused(path, error) from error

    @property
    def fd(self) -> int:
        """Raises DeviceGone when closed."""
        if self._fd < 0:
            raise DeviceGone(f"{self.path} is closed")
        return self._fd

    def do(self, request: Vidioc | MediaIoc, argument: _Struct) -> _Struct:
        """The argument as the driver has filled it in. Raises OSError as the driver says."""
        self.kernel.ioctl(self.fd, request, argument)
        return argument

    def do_int(self, request: Vidioc, value: int) -> int:
        """For requests that take an int. Raises OSError."""
        argument = ctypes.c_int(value)
        self.kernel.ioctl(self.fd, request, argument)
        return argument.value

    def close(self) -> None:
        """Never fails: Linux gives the descriptor back even when it reports an error of a device that is gone."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            with contextlib.suppress(OSError):
                self.kernel.close(fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def means_gone(error: OSError) -> bool:
    """Whether the device itself has gone. EIO is no such sign: drivers say it of a bad signal or transfer too."""
    return error.errno in _GONE


def means_not_offered(error: OSError) -> bool:
    """Whether the driver has no such request at all, or not on this input or in this mode."""
    return error.errno in _ABSENT


def gone(path: str, doing: str, error: OSError) -> DeviceGone:
    """The error for a device that failed while `doing`, naming both and the driver's reason."""
    return DeviceGone(f"{path}: {doing}: {os.strerror(error.errno or 0)}")


def _open_refused(path: str, error: OSError) -> DeviceGone:
    if error.errno in (errno.EACCES, errno.EPERM):
        return DeviceGone(f"{path}: access refused; the user must be in the group video", code="device_denied")
    if error.errno == errno.EBUSY:
        return DeviceGone(f"{path}: another program uses it", code="device_in_use")
    if error.errno == errno.ENOENT:
        return DeviceGone(f"{path}: no such device")
    return DeviceGone(f"{path}: cannot be opened: {os.strerror(error.errno or 0)}")
