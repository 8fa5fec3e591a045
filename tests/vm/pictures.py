"""What a dongle may show: grey pictures that change from frame to frame, whole, torn and short."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache

from tests.vm.uvc_descriptors import Mode

_LEVELS = (64, 128, 192)


def moving_grey(mode: Mode, number: int) -> bytes:
    """A whole frame of one luma: 64, 128, 192 in turn."""
    level = grey_level(number)
    return grey_jpeg(mode.width, mode.height, level) if mode.format == "MJPG" else grey_yuyv(mode, level)


def grey_level(number: int) -> int:
    return _LEVELS[number % len(_LEVELS)]


def grey_yuyv(mode: Mode, level: int) -> bytes:
    return bytes((level, 128)) * (mode.width * mode.height)


@lru_cache(maxsize=16)
def grey_jpeg(width: int, height: int, level: int) -> bytes:
    """Full range 4:2:2, as dongles have it."""
    import av  # here, since its import takes seconds in the machine

    encoder = av.CodecContext.create("mjpeg", "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuvj422p"
    encoder.time_base = Fraction(1, 30)
    frame = av.VideoFrame(width, height, "yuvj422p")
    for index, plane in enumerate(frame.planes):
        plane.update(bytes((level if index == 0 else 128,)) * plane.buffer_size)
    frame.pts = 0
    return b"".join(bytes(packet) for packet in (*encoder.encode(frame), *encoder.encode(None)))


def torn(mode: Mode, number: int) -> bytes:
    """A frame whose second half was lost on the way: no end marker in a JPEG, too few bytes raw."""
    whole = moving_grey(mode, number)
    return whole[: len(whole) // 2]


def scrambled(mode: Mode, number: int) -> bytes:
    """As long as a real frame, but noise from its middle on."""
    whole = moving_grey(mode, number)
    half = len(whole) // 2
    return whole[:half] + bytes((byte * 167 + at) & 0xFF for at, byte in enumerate(whole[half:]))


def nothing(_mode: Mode, _number: int) -> None:
    """The dongle hangs: it stays on the bus and sends no frame."""
