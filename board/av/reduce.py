"""Planar and half-planar pictures as 8-bit yuv420p, by numpy: here swscale bends chroma rows or is slow.

Measured with swscale 9.5: `bilinear` mixes rows across the pair (28 code values off at an edge of 8 rows), `area`
averages the pair rightly but takes 4 to 8 ms at 1080p; this takes 0.5 ms (8 bit) and 2 ms (10 bit).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from edge.model.frame import Plane
from edge.model.video import Pixel

Bytes = NDArray[np.uint8]
Samples = NDArray[Any]
_BAND = 32  # rows at a time, so that the 16-bit sums stay in the cache


@dataclass(frozen=True, slots=True)
class _Way:
    """How a layout lies: chroma interleaved or not, in every row or every second, how many bits too many."""

    interleaved: bool
    chroma_in_every_row: bool
    sample: str = "u1"
    surplus_bits: int = 0

    def views(self, planes: tuple[Plane, ...], width: int, height: int) -> tuple[Samples, Samples, Samples]:
        """Luma, Cb and Cr where they lie."""
        chroma_rows = height if self.chroma_in_every_row else height // 2
        luma = self._samples(planes[0], height, width)
        if self.interleaved:
            both = self._samples(planes[1], chroma_rows, width)
            return luma, both[:, 0::2], both[:, 1::2]
        cb, cr = (self._samples(plane, chroma_rows, width // 2) for plane in planes[1:])
        return luma, cb, cr

    def _samples(self, plane: Plane, rows: int, columns: int) -> Samples:
        kind = np.dtype(self.sample)
        return rows_of(plane.memory, plane.stride, rows, columns * kind.itemsize).view(kind)


_WAYS = {
    Pixel.NV16: _Way(interleaved=True, chroma_in_every_row=True),
    Pixel.YUV422P: _Way(interleaved=False, chroma_in_every_row=True),
    Pixel.YUV422P10: _Way(interleaved=False, chroma_in_every_row=True, sample="<u2", surplus_bits=2),
    Pixel.P010: _Way(interleaved=True, chroma_in_every_row=False, sample="<u2", surplus_bits=8),
}
REDUCIBLE = frozenset(_WAYS)


def reduce_to(target: av.VideoFrame, pixel: Pixel, planes: tuple[Plane, ...]) -> None:
    """Fill `target` (yuv420p of the same size) from planes of a layout in REDUCIBLE.

    4:2:2 becomes the mean of two chroma rows (sited as MPEG-2 and H.264 have it: left, between the
    rows); 10 bit is rounded to the nearest 8-bit value, not dithered.
    """
    way = _WAYS[pixel]
    luma, *chroma = way.views(planes, target.width, target.height)
    outs = [rows_of(memoryview(plane), plane.line_size, plane.height, plane.width) for plane in target.planes]
    _narrow(luma, outs[0], way.surplus_bits)
    for source, out in zip(chroma, outs[1:], strict=True):
        (_pair_rows if way.chroma_in_every_row else _narrow)(source, out, way.surplus_bits)


def rows_of(memory: memoryview, stride: int, rows: int, row_bytes: int) -> Bytes:
    """The picture's rows without the padding after them; the last row may lack its padding."""
    flat = np.frombuffer(memory, np.uint8)[: stride * (rows - 1) + row_bytes]
    return np.lib.stride_tricks.as_strided(flat, shape=(rows, row_bytes), strides=(stride, 1))


def _narrow(source: Samples, target: Bytes, down: int) -> None:
    """`down` bits fewer, to the nearest, without wrapping at the top."""
    if down == 0:
        target[:] = source
        return
    for at in _bands(len(target)):
        sums = source[at] >> (down - 1)
        sums += 1
        sums >>= 1
        np.minimum(sums, 255, out=sums)
        np.copyto(target[at], sums, casting="unsafe")


def _pair_rows(source: Samples, target: Bytes, down: int) -> None:
    """The mean of each two rows with `down` bits fewer, half up."""
    for at in _bands(len(target)):
        pairs = source[2 * at.start : 2 * at.stop]
        sums = np.add(pairs[0::2], pairs[1::2], dtype=np.uint16)
        sums >>= down
        sums += 1
        sums >>= 1
        np.minimum(sums, 255, out=sums)
        np.copyto(target[at], sums, casting="unsafe")


def _bands(rows: int) -> Iterator[slice]:
    return (slice(begin, min(begin + _BAND, rows)) for begin in range(0, rows, _BAND))
