"""Raw pictures of any layout as numpy arrays: where their samples lie, and what they are in yuv420p."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.model.errors import Fault
from edge.model.frame import Frame, Plane
from edge.model.video import Colorimetry, Pixel, Range

Bytes = NDArray[np.uint8]
Samples = NDArray[Any]
Yuv = tuple[Bytes, Bytes, Bytes]

# Kr and Kb of ITU-R BT.709 3.2, BT.601 2.5.1 (JPEG's too) and BT.2020 table 4
KR_KB = {
    Colorimetry.BT709: (0.2126, 0.0722),
    Colorimetry.BT601: (0.299, 0.114),
    Colorimetry.SYCC: (0.299, 0.114),
    Colorimetry.BT2020: (0.2627, 0.0593),
}
_EVERY_ROW, _EVERY_BYTE = 47, 83  # primes, so that samples meet all components of a packed layout
_SURPLUS_BITS = {Pixel.YUV422P10: 2, Pixel.P010: 8}


def plane_rows(plane: Plane, rows: int, row_bytes: int) -> Bytes:
    """A plane's rows without the padding after them; the last row may lack its padding. Raises Fault."""
    flat = np.frombuffer(plane.memory, np.uint8)
    needed = plane.stride * (rows - 1) + row_bytes
    if flat.size < needed:
        raise Fault(f"a plane of {flat.size} bytes does not hold {rows} rows of {plane.stride} bytes")
    return np.lib.stride_tricks.as_strided(flat[:needed], shape=(rows, row_bytes), strides=(plane.stride, 1))


def first_plane(frame: Frame) -> Bytes:
    """The bytes of the plane that holds luma (or everything), a row of the picture in each row."""
    video = frame.format
    return plane_rows(frame.lease.planes[0], video.height, video.width * video.pixel.pixel_bytes)


def sparse_bytes(rows: Bytes) -> bytes:
    """About a thousand bytes of an HD plane, enough to see at once that a picture is another."""
    return rows[::_EVERY_ROW, ::_EVERY_BYTE].tobytes()


def brightness(frame: Frame, *, every_row: int, every_column: int) -> Samples:
    """Luma of sparse pixels as 8-bit code values; of RGB its largest component."""
    pixel = frame.format.pixel
    rows = first_plane(frame)[::every_row]
    if pixel.is_rgb:
        first, second, third = (rows[:, index :: 3 * every_column] for index in range(3))
        return np.maximum(np.maximum(first, second), third)
    if pixel in _SURPLUS_BITS:
        return rows.view("<u2")[:, ::every_column] >> _SURPLUS_BITS[pixel]
    if pixel is Pixel.UYVY422:
        return rows[:, 1 :: 2 * every_column]
    return rows[:, :: every_column * (2 if pixel is Pixel.YUYV422 else 1)]


def yuv420p(frame: Frame) -> Yuv:
    """Y, Cb and Cr as `frame.format.coded` has them. Simple, not fast: for pictures that stand still."""
    if frame.format.pixel.is_rgb:
        return _from_rgb(frame)
    luma, cb, cr = _yuv_samples(frame)
    surplus = _SURPLUS_BITS.get(frame.format.pixel, 0)
    chroma = _paired if frame.format.pixel.chroma_in_every_row else _narrow
    return _narrow(luma, surplus), chroma(cb, surplus), chroma(cr, surplus)


def _yuv_samples(frame: Frame) -> tuple[Samples, Samples, Samples]:
    """Luma, Cb and Cr where they lie, with as many bits and rows as the layout has."""
    video, planes = frame.format, frame.lease.planes
    first = first_plane(frame)
    if video.pixel in (Pixel.UYVY422, Pixel.YUYV422):
        luma, chroma = (1, 0) if video.pixel is Pixel.UYVY422 else (0, 1)
        return first[:, luma::2], first[:, chroma::4], first[:, chroma + 2 :: 4]
    sample = np.dtype("<u2" if video.pixel in _SURPLUS_BITS else "u1")
    rows = video.height if video.pixel.chroma_in_every_row else video.height // 2
    if video.pixel.interleaved:
        both = plane_rows(planes[1], rows, video.width * sample.itemsize).view(sample)
        return first.view(sample), both[:, 0::2], both[:, 1::2]
    cb, cr = (plane_rows(plane, rows, video.width // 2 * sample.itemsize).view(sample) for plane in planes[1:])
    return first.view(sample), cb, cr


def _narrow(samples: Samples, surplus: int) -> Bytes:
    if surplus == 0:
        return samples
    return _codes((samples.astype(np.uint32) + (1 << surplus - 1)) >> surplus)


def _paired(samples: Samples, surplus: int) -> Bytes:
    sums = samples[0::2].astype(np.uint32) + samples[1::2]
    return _codes((sums + (1 << surplus)) >> surplus + 1)


def _from_rgb(frame: Frame) -> Yuv:
    """By the matrix of its colorimetry to limited range; chroma is the mean of four pixels."""
    rows = first_plane(frame)
    order = (0, 1, 2) if frame.format.pixel is Pixel.RGB24 else (2, 1, 0)
    full = frame.format.range is Range.FULL
    red, green, blue = (rows[:, index::3].astype(np.float32) for index in order)
    kr, kb = KR_KB[frame.format.colorimetry]
    luma = kr * red + (1 - kr - kb) * green + kb * blue
    black, luma_gain, chroma_gain = (16, 219 / 255, 224 / 255) if full else (0, 1, 224 / 219)
    coarse = _coarse(luma)
    cb = 128 + (_coarse(blue) - coarse) * (chroma_gain / (2 - 2 * kb))
    cr = 128 + (_coarse(red) - coarse) * (chroma_gain / (2 - 2 * kr))
    return _codes(black + luma * luma_gain), _codes(cb), _codes(cr)


def _coarse(samples: Samples) -> Samples:
    rows = samples[0::2] + samples[1::2]
    return np.asarray((rows[:, 0::2] + rows[:, 1::2]) / 4)


def _codes(values: Samples) -> Bytes:
    return np.asarray(np.rint(values).clip(0, 255).astype(np.uint8))
