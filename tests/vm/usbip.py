"""A USB device made of software on the kernel's virtual host controller (vhci-hcd): the wire of USB/IP, no network.

The kernel takes one end of a socket pair and sends every USB request (URB) through it; `serve` answers them from the
other end. Source: Documentation/usb/usbip_protocol.rst. dummy_hcd cannot take its place for video: the kernel's UVC
gadget streams isochronously only, and dummy_hcd refuses isochronous transfers.
"""

from __future__ import annotations

import errno
import socket
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self

_ROOT = Path("/sys/devices/platform/vhci_hcd.0")
_PORT_FREE = 4  # VDEV_ST_NULL
HIGH_SPEED = 3  # USB_SPEED_HIGH

_SUBMIT, _UNLINK, _RET_SUBMIT, _RET_UNLINK = 1, 2, 3, 4
_HEADER = struct.Struct(">5I28s")
_SUBMITTED = struct.Struct(">Iiiii8s")
_RETURNED = struct.Struct(">IIIIIiiiii8x")
_UNLINKED = struct.Struct(">IIIIIi24x")


@dataclass(frozen=True, slots=True)
class Setup:
    """The eight bytes that open a control transfer (USB 2.0, 9.3)."""

    request_type: int
    request: int
    value: int
    index: int
    length: int

    @classmethod
    def unpack(cls, eight: bytes) -> Self:
        return cls(*struct.unpack("<BBHHH", eight))


class Stall(Exception):
    """The device refuses this control request."""


class Device(Protocol):
    """What answers. Called from one thread."""

    def control(self, setup: Setup, sent: bytes) -> bytes:
        """The answer to a control request; raises Stall."""
        ...

    def bulk(self, room: int) -> bytes | None:
        """What goes into the next IN transfer of at most `room` bytes; None while there is nothing."""
        ...

    def due_s(self) -> float | None:
        """Seconds until `bulk` may have something; None: not before the next request."""
        ...


class Cable:
    """One device's connection. `serve` runs until the cable is pulled, from either side."""

    def __init__(self) -> None:
        self._ours, self._kernels = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        self._waiting: list[tuple[int, int]] = []  # (sequence number, room) of bulk transfers without an answer

    def plug(self) -> None:
        """Raises OSError when the controller is not there (modprobe vhci-hcd) or has no free port."""
        self._attach(_free_port())

    def pull(self) -> None:
        """At once, in the middle of whatever happens; every open transfer fails."""
        try:
            self._ours.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # the kernel's side went first

    def close(self) -> None:
        self._ours.close()

    def serve(self, device: Device) -> None:
        while True:
            self._answer_bulk(device)
            self._ours.settimeout(device.due_s() if self._waiting else None)
            try:
                header = self._receive(_HEADER.size)
            except TimeoutError:
                continue
            except OSError:
                return
            if not header:
                return
            try:
                self._take(device, header)
            except OSError:
                return

    def _attach(self, port: int) -> None:
        line = f"{port} {self._kernels.fileno()} 1 {HIGH_SPEED}"
        (_ROOT / "attach").write_text(line)
        self._kernels.close()  # the kernel holds its own reference

    def _take(self, device: Device, header: bytes) -> None:
        command, seqnum, _devid, inward, endpoint, rest = _HEADER.unpack(header)
        if command == _UNLINK:
            self._unlink(seqnum, int.from_bytes(rest[:4], "big"))
            return
        if command != _SUBMIT:
            raise OSError(errno.EPROTO, f"USB/IP command {command}")
        _flags, length, _start, _packets, _interval, setup = _SUBMITTED.unpack(rest)
        sent = b"" if inward else self._receive(length)
        if endpoint:
            self._waiting.append((seqnum, length))
            return
        try:
            answer = device.control(Setup.unpack(setup), sent)
        except Stall:
            self._reply(seqnum, -errno.EPIPE, 0, b"")
            return
        answer = answer[:length]
        self._reply(seqnum, 0, len(answer) if inward else length, answer)

    def _unlink(self, seqnum: int, victim: int) -> None:
        waiting = [entry for entry in self._waiting if entry[0] != victim]
        found = len(waiting) < len(self._waiting)
        self._waiting = waiting
        status = -errno.ECONNRESET if found else 0  # 0: its answer is under way already
        self._ours.settimeout(None)
        self._ours.sendall(_UNLINKED.pack(_RET_UNLINK, seqnum, 0, 0, 0, status))

    def _answer_bulk(self, device: Device) -> None:
        while self._waiting:
            seqnum, room = self._waiting[0]
            content = device.bulk(room)
            if content is None:
                return
            del self._waiting[0]
            try:
                self._reply(seqnum, 0, len(content), content)
            except OSError:
                return  # pulled; the next read says so

    def _reply(self, seqnum: int, status: int, length: int, content: bytes) -> None:
        self._ours.settimeout(None)
        self._ours.sendall(_RETURNED.pack(_RET_SUBMIT, seqnum, 0, 0, 0, status, length, 0, 0, 0) + content)

    def _receive(self, length: int) -> bytes:
        """All of it, or nothing at the end. The time-out is for the first byte only: a header arrives whole."""
        got = b""
        while len(got) < length:
            part = self._ours.recv(length - len(got))
            if not part:
                return b""
            self._ours.settimeout(None)
            got += part
        return got


def _free_port() -> int:
    for line in (_ROOT / "status").read_text().splitlines()[1:]:
        hub, port, state, *_ = line.split()
        if hub == "hs" and int(state) == _PORT_FREE:
            return int(port)
    raise OSError(errno.EBUSY, f"{_ROOT}/status: no free port")
