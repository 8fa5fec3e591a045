"""Network namespaces and TUN devices (namespaces(7), Documentation/networking/tuntap.rst)."""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import struct
import subprocess
from collections.abc import Iterator

_CLONE_NEWNET = 0x40000000
_TUNSETIFF = 0x400454CA
_IFF_TUN, _IFF_NO_PI = 0x0001, 0x1000
DEVICE = "line"
MTU_BYTES = 1500
_QUEUE_PACKETS = 4000  # between the kernel and the emulator: a burst must meet the emulator's limit, not this one


def make_namespace(address: str) -> tuple[int, int]:
    """A new namespace with its loopback and a TUN device of that address (with prefix), which all routes lead to.

    Returns descriptors of the namespace and of the device. The calling thread is in it afterwards. It
    has no name: it lives as long as somebody is in it or holds its descriptor, so a crash leaves none behind.
    Raises OSError without the right to make one.
    """
    _call("unshare", _CLONE_NEWNET)
    tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    fcntl.ioctl(tun, _TUNSETIFF, struct.pack("16sH22x", DEVICE.encode(), _IFF_TUN | _IFF_NO_PI))
    _ip("link set lo up")
    _ip(f"link set {DEVICE} addrgenmode none mtu {MTU_BYTES} txqueuelen {_QUEUE_PACKETS} up")
    _ip(f"address add {address} dev {DEVICE}")
    _ip(f"route add default dev {DEVICE}")
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC), tun


@contextlib.contextmanager
def inside(namespace: int) -> Iterator[None]:
    """The calling thread is in that namespace: sockets that it makes and processes that it starts stay in it."""
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        _call("setns", namespace, _CLONE_NEWNET)
        yield
    finally:
        _call("setns", home, _CLONE_NEWNET)
        os.close(home)


def _ip(words: str) -> None:
    subprocess.run(["ip", *words.split()], check=True)


def _call(name: str, *arguments: int) -> None:
    if getattr(ctypes.CDLL(None, use_errno=True), name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
