"""The real system calls, on files that every Linux has."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import termios

import pytest

from board.v4l2.kernel import EXCEPT, READ, TROUBLE, LinuxKernel

KERNEL = LinuxKernel()


def test_a_file_opens_without_waiting_and_is_not_inherited() -> None:
    fd = KERNEL.open("/dev/null")
    assert fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_NONBLOCK
    assert fcntl.fcntl(fd, fcntl.F_GETFD) & fcntl.FD_CLOEXEC
    KERNEL.close(fd)
    with pytest.raises(OSError, match="Bad file descriptor"):
        KERNEL.close(fd)


def test_a_file_that_is_not_there_is_an_error() -> None:
    with pytest.raises(FileNotFoundError):
        KERNEL.open("/dev/no-such-device")


def test_a_request_fills_its_argument_and_a_refusal_has_its_errno() -> None:
    reader, writer = os.pipe()
    try:
        os.write(writer, b"abcde")
        waiting = ctypes.c_int(0)
        assert KERNEL.ioctl(reader, termios.FIONREAD, waiting) == 0
        assert waiting.value == 5
        with pytest.raises(OSError, match="Inappropriate ioctl") as refused:
            KERNEL.ioctl(reader, 0x5600, waiting)
        assert refused.value.errno == errno.ENOTTY
    finally:
        os.close(reader)
        os.close(writer)


def test_a_mapping_is_shared_writable_and_outlives_the_file() -> None:
    fd = os.memfd_create("buffer")
    other = os.dup(fd)
    os.ftruncate(fd, 8192)
    memory = KERNEL.map(fd, 4096, 4096)
    os.close(fd)
    memory[0] = 42
    assert os.pread(other, 1, 4096) == b"\x2a"
    os.close(other)
    assert memory[0] == 42


def test_poll_tells_what_happened_on_which_file() -> None:
    reader, writer = os.pipe()
    quiet, kept = os.pipe()
    try:
        assert KERNEL.poll({reader: READ | EXCEPT}, 0) == {}
        os.write(writer, b"x")
        assert KERNEL.poll({reader: READ, quiet: READ}, 10)[reader] & READ
        os.close(writer)
        os.read(reader, 1)
        assert KERNEL.poll({reader: READ}, 10)[reader] & TROUBLE
    finally:
        for fd in (reader, quiet, kept):
            os.close(fd)
