"""Planar and half-planar pictures as 8-bit yuv420p, by numpy: here swscale bends chroma rows or is slow.

Measured with swscale 9.5 at 1080p: `bilinear` lets other chroma rows in (28 code values beside an edge), `area` does
not but takes two to four times as long as this does.
"""

from __future__ import annotations

from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from edge.model.errors import Fault
from edge.model.frame import Plane
from edge.model.video import Pixel

Bytes = NDArray[np.uint8]
Samples = NDArray[Any]
_BAND = 32  # rows at a time, so that 16-bit samples stay in the cache
# What can be reduced, and how many bits its samples have too many
_SURPLUS_BITS = {Pixel.NV16: 0, Pixel.YUV422P: 0, Pixel.YUV422P10: 2, Pixel.P010: 8}
REDUCIBLE = frozenset(_SURPLUS_BITS)


def reduce_to(target: av.VideoFrame, pixel: Pixel, planes: tuple[Plane, ...]) -> None:
    """Fill `target` (yuv420p of the same size) from planes of a layout in REDUCIBLE.

    4:2:2 becomes the mean of two chroma rows (sited as MPEG-2 and H.264 have it: left, between the
    rows); 10 bit is rounded to the nearest 8-bit value, not dithered.
    """
    surplus = _SURPLUS_BITS[pixel]
    luma, *chroma = _samples(pixel, planes, target.width, target.height)
    y, *cb_cr = (rows_of(memoryview(plane), plane.line_size, plane.height, plane.width) for plane in target.planes)
    _narrow(luma, y, surplus)
    if pixel.chroma_in_every_row:
        chroma = [_row_means(samples) for samples in chroma]
    if pixel.interleaved:
        both = np.empty(chroma[0].shape, np.uint8)
        _narrow(chroma[0], both, surplus)
        chroma, surplus = [both[:, 0::2], both[:, 1::2]], 0
    for samples, out in zip(chroma, cb_cr, strict=True):
        _narrow(samples, out, surplus)


def _samples(pixel: Pixel, planes: tuple[Plane, ...], width: int, height: int) -> list[Samples]:
    """Each plane as rows of samples."""
    kind = np.dtype("<u2" if _SURPLUS_BITS[pixel] else "u1")
    rows = height if pixel.chroma_in_every_row else height // 2
    row_bytes = (width if pixel.interleaved else width // 2) * kind.itemsize
    luma = rows_of(planes[0].memory, planes[0].stride, height, width * kind.itemsize)
    chroma = [rows_of(plane.memory, plane.stride, rows, row_bytes) for plane in planes[1:]]
    return [each.view(kind) for each in (luma, *chroma)]


def rows_of(memory: memoryview, stride: int, rows: int, row_bytes: int) -> Bytes:
    """The picture's rows without the padding after them; the last row may lack its padding. Raises Fault."""
    flat = np.frombuffer(memory, np.uint8)
    needed = stride * (rows - 1) + row_bytes
    if flat.size < needed:
        raise Fault(f"a plane of {flat.size} bytes does not hold {rows} rows of {stride} bytes")
    return np.lib.stride_tricks.as_strided(flat[:needed], shape=(rows, row_bytes), strides=(stride, 1))


def _row_means(samples: Samples) -> Samples:
    """The mean of each two rows, half up, in the width of the samples."""
    upper, lower = samples[0::2], samples[1::2]
    return np.asarray((upper | lower) - ((upper ^ lower) >> 1))


def _narrow(source: Samples, target: Bytes, surplus: int) -> None:
    """`surplus` bits fewer, to the nearest, without wrapping at the top."""
    if surplus == 0:
        target[:] = source
        return
    half = 1 << surplus - 1
    top = (255 << surplus) + half - 1
    for begin in range(0, len(target), _BAND):
        band = np.minimum(source[begin : begin + _BAND], top)
        band += half
        band >>= surplus
        np.copyto(target[begin : begin + _BAND], band, casting="unsafe")
