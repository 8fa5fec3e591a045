"""Copying a picture into an encoder's buffer, in the layout that the encoder has been set up for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edge.model.errors import Fault
from edge.model.frame import Plane
from edge.model.video import Pixel

# What an encoder is given as it lies. RGB is not among them: with which matrix an encoder would convert it, none tells.
DIRECT = (Pixel.UYVY422, Pixel.YUYV422, Pixel.NV12, Pixel.YUV420P)
_Bytes = NDArray[np.uint8]


def fill(into: Sequence[Plane], pixel: Pixel, planes: Sequence[Plane], given: Pixel, size: tuple[int, int]) -> None:
    """Write a picture of width and height `size`, in the layout `given`, as `pixel` into larger or equal planes.

    Both the same, or from yuv420p into any of DIRECT. Raises Fault on another pair.
    """
    width, height = size
    target = [_rows(plane, *shape) for plane, shape in zip(into, _shapes(pixel, width, height), strict=True)]
    source = [_rows(plane, *shape) for plane, shape in zip(planes, _shapes(given, width, height), strict=True)]
    if pixel is given:
        for to, taken in zip(target, source, strict=True):
            to[:] = taken
    elif given is not Pixel.YUV420P or pixel not in DIRECT:
        raise Fault(f"no way from {given} to {pixel}")
    elif pixel is Pixel.NV12:
        target[0][:] = source[0]
        target[1][:, 0::2], target[1][:, 1::2] = source[1], source[2]
    else:
        luma, chroma = (1, 0) if pixel is Pixel.UYVY422 else (0, 1)
        target[0][:, luma::2] = source[0]
        for row in (0, 1):  # 4:2:2 has chroma in every row: each is given to two
            target[0][row::2, chroma::4], target[0][row::2, chroma + 2 :: 4] = source[1], source[2]


def _shapes(pixel: Pixel, width: int, height: int) -> tuple[tuple[int, int], ...]:
    """(rows, bytes in a row) of each plane."""
    if pixel is Pixel.NV12:
        return (height, width), (height // 2, width)
    if pixel is Pixel.YUV420P:
        return (height, width), (height // 2, width // 2), (height // 2, width // 2)
    if pixel in DIRECT:
        return ((height, 2 * width),)
    raise Fault(f"no encoder is given {pixel}")


def _rows(plane: Plane, rows: int, row_bytes: int) -> _Bytes:
    """The rows without their padding; of the last one only what is needed has to be there."""
    flat = np.frombuffer(plane.memory, np.uint8)
    if row_bytes > plane.stride or flat.size < plane.stride * (rows - 1) + row_bytes:
        raise Fault(f"a plane of {flat.size} bytes is no {rows} rows of {row_bytes}, {plane.stride} apart")
    return np.lib.stride_tricks.as_strided(flat, (rows, row_bytes), (plane.stride, 1))
