"""The descriptors of a USB capture dongle (USB Video Class 1.0): MJPEG and YUYV over one bulk endpoint."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

BULK_IN = 0x81
CONTROL_INTERFACE, STREAM_INTERFACE = 0, 1
_YUY2 = bytes.fromhex("5955593200001000800000aa00389b71")
_INPUT, _OUTPUT = 1, 2  # terminal ids
_INTERFACE, _CS = 0x04, 0x24
_VIDEO = 0x0E


@dataclass(frozen=True, slots=True)
class Mode:
    """What the dongle offers. `format` is `MJPG` or `YUYV`."""

    format: str
    width: int
    height: int
    fps: int = 30

    def __str__(self) -> str:
        return f"{self.format}-{self.width}x{self.height}"

    @property
    def frame_bytes(self) -> int:
        """The largest frame: for MJPEG a bound."""
        return self.width * self.height * 2

    @property
    def interval(self) -> int:
        """Frame interval in 100 ns."""
        return 10_000_000 // self.fps


def formats(modes: Sequence[Mode]) -> tuple[tuple[Mode, ...], ...]:
    """The modes by format: format and frame indices of UVC count from 1 in this order."""
    names = dict.fromkeys(mode.format for mode in modes)
    return tuple(tuple(mode for mode in modes if mode.format == name) for name in names)


def device(vendor: int, product: int) -> bytes:
    """Class EF/02/01: functions are told apart by interface association. Strings 1 to 3."""
    return struct.pack("<BBHBBBBHHHBBBB", 18, 1, 0x0200, 0xEF, 2, 1, 64, vendor, product, 0x0100, 1, 2, 3, 1)


def configuration(modes: Sequence[Mode]) -> bytes:
    association = bytes((8, 0x0B, CONTROL_INTERFACE, 2, _VIDEO, 3, 0, 2))
    body = association + _control_interface() + _stream_interface(formats(modes))
    return struct.pack("<BBHBBBBB", 9, 2, 9 + len(body), 2, 1, 0, 0x80, 250) + body


def string(text: str) -> bytes:
    encoded = text.encode("utf-16-le")
    return bytes((2 + len(encoded), 3)) + encoded


def languages() -> bytes:
    return struct.pack("<BBH", 4, 3, 0x0409)


def _control_interface() -> bytes:
    camera = struct.pack("<BBBBHBBHHHBH", 17, _CS, 0x02, _INPUT, 0x0201, 0, 0, 0, 0, 0, 2, 0)
    usb = struct.pack("<BBBBHBBB", 9, _CS, 0x03, _OUTPUT, 0x0101, 0, _INPUT, 0)
    total = 13 + len(camera) + len(usb)
    header = struct.pack("<BBBHHIBB", 13, _CS, 0x01, 0x0100, total, 48_000_000, 1, STREAM_INTERFACE)
    interface = bytes((9, _INTERFACE, CONTROL_INTERFACE, 0, 0, _VIDEO, 1, 0, 2))
    return interface + header + camera + usb


def _stream_interface(groups: tuple[tuple[Mode, ...], ...]) -> bytes:
    body = b"".join(_format(index, group) for index, group in enumerate(groups, 1))
    length = 13 + len(groups)
    sizes = (length, _CS, 0x01, len(groups), length + len(body))
    start = struct.pack("<BBBBHBBBBBBB", *sizes, BULK_IN, 0, _OUTPUT, 0, 0, 0, 1)
    interface = bytes((9, _INTERFACE, STREAM_INTERFACE, 0, 1, _VIDEO, 2, 0, 0))
    endpoint = struct.pack("<BBBBHB", 7, 5, BULK_IN, 2, 512, 0)
    return interface + start + bytes(len(groups)) + body + endpoint


def _format(index: int, group: tuple[Mode, ...]) -> bytes:
    colour = bytes((6, _CS, 0x0D, 1, 1, 4))  # BT.709 primaries and transfer, BT.601 matrix: UVC's default
    mjpeg = group[0].format == "MJPG"
    if mjpeg:
        head = bytes((11, _CS, 0x06, index, len(group), 1, 1, 0, 0, 0, 0))
    else:
        head = bytes((27, _CS, 0x04, index, len(group))) + _YUY2 + bytes((16, 1, 0, 0, 0, 0))
    kind = 0x07 if mjpeg else 0x05
    return head + b"".join(_frame(kind, at, mode) for at, mode in enumerate(group, 1)) + colour


def _frame(kind: int, index: int, mode: Mode) -> bytes:
    bits_per_s = mode.frame_bytes * 8 * mode.fps
    sizes = (mode.width, mode.height, bits_per_s, bits_per_s, mode.frame_bytes, mode.interval)
    return struct.pack("<BBBBBHHIIIIBI", 30, _CS, kind, index, 0, *sizes, 1, mode.interval)
