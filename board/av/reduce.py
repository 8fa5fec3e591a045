"""Planar and half-planar pictures as 8-bit yuv420p, by numpy: here swscale bends chroma rows or is slow.

Measured with swscale 9.5 at 1080p: `bilinear` lets other chroma rows in (28 code values beside an edge), `area` does
not but takes two to four times as long as this does.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from edge.model.errors import Fault
from edge.model.frame import Plane
from edge.model.video import Pixel

Bytes = NDArray[np.uint8]
Samples = NDArray[Any]
_BAND = 32  # rows at a time, so that the 16-bit sums stay in the cache


# What can be reduced, and how many bits its samples have too many
_SURPLUS_BITS = {Pixel.NV16: 0, Pixel.YUV422P: 0, Pixel.YUV422P10: 2, Pixel.P010: 8}
REDUCIBLE = frozenset(_SURPLUS_BITS)


def reduce_to(target: av.VideoFrame, pixel: Pixel, planes: tuple[Plane, ...]) -> None:
    """Fill `target` (yuv420p of the same size) from planes of a layout in REDUCIBLE.

    4:2:2 becomes the mean of two chroma rows (sited as MPEG-2 and H.264 have it: left, between the
    rows); 10 bit is rounded to the nearest 8-bit value, not dithered.
    """
    surplus = _SURPLUS_BITS[pixel]
    luma, *chroma = _views(pixel, planes, target.width, target.height)
    outs = [rows_of(memoryview(plane), plane.line_size, plane.height, plane.width) for plane in target.planes]
    _narrow(luma, outs[0], surplus)
    for source, out in zip(chroma, outs[1:], strict=True):
        (_pair_rows if pixel.chroma_in_every_row else _narrow)(source, out, surplus)


def _views(pixel: Pixel, planes: tuple[Plane, ...], width: int, height: int) -> tuple[Samples, Samples, Samples]:
    """Luma, Cb and Cr where they lie."""
    kind = np.dtype("<u2" if _SURPLUS_BITS[pixel] else "u1")
    rows = height if pixel.chroma_in_every_row else height // 2
    row_bytes = width * kind.itemsize
    luma = rows_of(planes[0].memory, planes[0].stride, height, row_bytes).view(kind)
    if pixel.interleaved:
        both = rows_of(planes[1].memory, planes[1].stride, rows, row_bytes).view(kind)
        return luma, both[:, 0::2], both[:, 1::2]
    cb, cr = (rows_of(plane.memory, plane.stride, rows, row_bytes // 2).view(kind) for plane in planes[1:])
    return luma, cb, cr


def rows_of(memory: memoryview, stride: int, rows: int, row_bytes: int) -> Bytes:
    """The picture's rows without the padding after them; the last row may lack its padding. Raises Fault."""
    flat = np.frombuffer(memory, np.uint8)
    needed = stride * (rows - 1) + row_bytes
    if flat.size < needed:
        raise Fault(f"a plane of {flat.size} bytes does not hold {rows} rows of {stride} bytes")
    return np.lib.stride_tricks.as_strided(flat[:needed], shape=(rows, row_bytes), strides=(stride, 1))


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
