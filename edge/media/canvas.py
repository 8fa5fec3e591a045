"""A yuv420p picture that can be drawn on: panels and text, for slates and banners."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edge.media.layout import KR_KB, Yuv
from edge.model.frame import Lease, Plane
from edge.model.video import Colorimetry, Range
from edge.ports import Painter

Luma = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Ink:
    """A colour in limited-range Y'CbCr code values of BT.709."""

    y: int
    cb: int = 128
    cr: int = 128

    def coded(self, colorimetry: Colorimetry, reach: Range) -> Ink:
        """The same red, green and blue in the code values of another matrix and range."""
        kr, kb = KR_KB[Colorimetry.BT709]
        y, cb, cr = (self.y - 16) / 219, (self.cb - 128) / 224, (self.cr - 128) / 224
        red, blue = y + (2 - 2 * kr) * cr, y + (2 - 2 * kb) * cb
        green = (y - kr * red - kb * blue) / (1 - kr - kb)
        kr, kb = KR_KB[colorimetry]
        y = kr * red + (1 - kr - kb) * green + kb * blue
        black, luma, chroma = (16, 219, 224) if reach is Range.LIMITED else (0, 255, 255)
        cb, cr = (blue - y) / (2 - 2 * kb), (red - y) / (2 - 2 * kr)
        return Ink(round(black + luma * y), round(128 + chroma * cb), round(128 + chroma * cr))


WHITE = Ink(235)
GREY = Ink(150)
DARK = Ink(28)
ALARM = Ink(70, 105, 200)


class Canvas:
    """Planes in one contiguous buffer: luma rows of `width` bytes, then the two quarter planes.

    Inks come out as the same colours in any matrix and range.
    """

    def __init__(
        self,
        width: int,
        height: int,
        *,
        colorimetry: Colorimetry = Colorimetry.BT709,
        range: Range = Range.LIMITED,
    ) -> None:
        self.width = width
        self.height = height
        self._colorimetry = colorimetry
        self._range = range
        self._buffer = np.empty(width * height * 3 // 2, np.uint8)
        luma_end = width * height
        quarter = luma_end // 4
        half = (height // 2, width // 2)
        self.luma = self._buffer[:luma_end].reshape(height, width)
        self._cb = self._buffer[luma_end : luma_end + quarter].reshape(half)
        self._cr = self._buffer[luma_end + quarter :].reshape(half)

    def fill(self, ink: Ink, *, top: int = 0, bottom: int | None = None) -> None:
        """Paint whole rows from `top` up to `bottom` (even numbers), everything by default."""
        end = self.height if bottom is None else bottom
        ink = ink.coded(self._colorimetry, self._range)
        self.luma[top:end] = ink.y
        self._cb[top // 2 : end // 2] = ink.cb
        self._cr[top // 2 : end // 2] = ink.cr

    def copy_from(self, yuv: Yuv) -> None:
        """Take over a picture of the same size, matrix and range."""
        for target, source in zip((self.luma, self._cb, self._cr), yuv, strict=True):
            target[:] = source

    def put_at_foot(self, strip: Canvas) -> None:
        """Copy a strip of the same width over the lowest rows."""
        self.luma[-strip.height :] = strip.luma
        self._cb[-strip.height // 2 :] = strip._cb
        self._cr[-strip.height // 2 :] = strip._cr

    def write_centred(self, painter: Painter, text: str, *, top: int, height_px: int, ink: Ink) -> int:
        """Draw a line of text in the middle, smaller when it would not fit; returns its bottom row."""
        width, height, coverage = painter.text(text, height_px)
        if width > self.width * 0.94:
            height_px = max(8, int(height_px * self.width * 0.94 / width))
            width, height, coverage = painter.text(text, height_px)
        ink = ink.coded(self._colorimetry, self._range)
        columns, rows = min(width, self.width), max(0, min(height, self.height - top))
        left = (self.width - columns) // 2
        mask = np.frombuffer(coverage, np.uint8).reshape(height, width)[:rows, :columns].astype(np.int32)
        under = self.luma[top : top + rows, left : left + columns]
        under[:] = (under + (ink.y - under.astype(np.int32)) * mask // 255).astype(np.uint8)
        return top + rows

    def planes(self) -> tuple[Plane, ...]:
        return (
            Plane(self.luma.reshape(-1).data, self.width),
            Plane(self._cb.reshape(-1).data, self.width // 2),
            Plane(self._cr.reshape(-1).data, self.width // 2),
        )

    def lease(self) -> Lease:
        """A loan of this picture; the memory lives as long as any lease."""
        return Lease(self.planes())
