"""How ioctl request numbers and pixel format codes are made (asm-generic/ioctl.h, linux/videodev2.h)."""

from __future__ import annotations

import ctypes

_WRITE, _READ = 1, 2
_VIDEO, _MEDIA = ord("V"), ord("|")


def _number(direction: int, kind: int, number: int, size: int) -> int:
    return direction << 30 | size << 16 | kind << 8 | number


def video_get(number: int, struct: type[ctypes._CData]) -> int:
    return _number(_READ, _VIDEO, number, ctypes.sizeof(struct))


def video_put(number: int, struct: type[ctypes._CData]) -> int:
    return _number(_WRITE, _VIDEO, number, ctypes.sizeof(struct))


def video_both(number: int, struct: type[ctypes._CData]) -> int:
    return _number(_READ | _WRITE, _VIDEO, number, ctypes.sizeof(struct))


def video_plain(number: int) -> int:
    return _number(0, _VIDEO, number, 0)


def media_both(number: int, struct: type[ctypes._CData]) -> int:
    return _number(_READ | _WRITE, _MEDIA, number, ctypes.sizeof(struct))


def fourcc(code: str) -> int:
    """`"UYVY"` as the kernel's number."""
    return int.from_bytes(code.encode("ascii").ljust(4), "little")


def fourcc_text(number: int) -> str:
    """The letters of a pixel format; bit 31 marks a big-endian one and is shown as `-BE`."""
    letters = (number & 0x7FFFFFFF).to_bytes(4, "little").decode("latin-1").rstrip()
    return f"{letters}-BE" if number >> 31 else letters
