"""How each pixel layout lies in memory: planes, shared chroma, what black is."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from edge.model.video import Pixel, Range, VideoFormat


@dataclass(frozen=True, slots=True)
class PlaneLayout:
    """A plane of cells: each stands for `across` x `down` pixels and takes the bytes of `black`."""

    across: int
    down: int
    black: bytes

    def row_bytes(self, width: int) -> int:
        return -(-width // self.across) * len(self.black)

    def rows(self, height: int) -> int:
        return -(-height // self.down)


def layout_of(video: VideoFormat) -> tuple[PlaneLayout, ...]:
    """The planes of a picture of that format, in their order, with black of its range (ITU-R BT.709, BT.2100)."""
    full = video.range is Range.FULL
    luma, chroma = 0 if full else 16, 128
    one, neutral = bytes((luma,)), bytes((chroma,))
    match video.pixel:
        case Pixel.YUV420P:
            return (PlaneLayout(1, 1, one), *(PlaneLayout(2, 2, neutral),) * 2)
        case Pixel.YUV422P:
            return (PlaneLayout(1, 1, one), *(PlaneLayout(2, 1, neutral),) * 2)
        case Pixel.NV12:
            return (PlaneLayout(1, 1, one), PlaneLayout(2, 2, neutral * 2))
        case Pixel.NV16:
            return (PlaneLayout(1, 1, one), PlaneLayout(2, 1, neutral * 2))
        case Pixel.YUV422P10:
            return (PlaneLayout(1, 1, _le16(luma << 2)), *(PlaneLayout(2, 1, _le16(chroma << 2)),) * 2)
        case Pixel.P010:  # ten bits in the upper ones of sixteen
            return (PlaneLayout(1, 1, _le16(luma << 8)), PlaneLayout(2, 2, _le16(chroma << 8) * 2))
        case Pixel.UYVY422:
            return (PlaneLayout(2, 1, (neutral + one) * 2),)
        case Pixel.YUYV422:
            return (PlaneLayout(2, 1, (one + neutral) * 2),)
        case Pixel.RGB24 | Pixel.BGR24:
            return (PlaneLayout(1, 1, one * 3),)


def _le16(value: int) -> bytes:
    return struct.pack("<H", value)
