"""A raw picture of any layout as JPEG."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, Interpolation

from edge.model.errors import Fault
from edge.model.frame import Frame, Plane
from edge.model.video import Colorimetry, Range

_QUALITY = "2"  # FFmpeg's qscale for mjpeg: 2 is the best that stays baseline
_MATRIX = {
    Colorimetry.BT709: Colorspace.ITU709,
    Colorimetry.BT601: Colorspace.ITU601,
    Colorimetry.SYCC: Colorspace.ITU601,
    Colorimetry.BT2020: Colorspace.BT2020,
}
_LEVELS = {Range.LIMITED: ColorRange.MPEG, Range.FULL: ColorRange.JPEG}
_EXACT = Interpolation.AREA | Interpolation.ACCURATE_RND  # without them chroma is a little too small
_STRETCHED = np.rint((np.arange(256) - 16) * 255 / 219).clip(0, 255).astype(np.uint8)


def jpeg_of(frame: Frame) -> bytes:
    """Baseline JPEG (full-range BT.601, as JFIF wants) of a leased picture.

    The picture's own matrix and range are converted here, once; its primaries are left alone.
    """
    picture, reach = _picture(frame), frame.format.range
    if frame.format.pixel.is_rgb:
        reach = Range.FULL  # swscale knows no other RGB; `_picture` has stretched it
    full = picture.reformat(
        format="yuvj420p",
        src_colorspace=None if frame.format.pixel.is_rgb else _MATRIX[frame.format.colorimetry],
        dst_colorspace=Colorspace.ITU601,
        src_color_range=_LEVELS[reach],
        dst_color_range=ColorRange.JPEG,
        interpolation=_EXACT,
    )
    encoder = av.CodecContext.create("mjpeg", "w")
    encoder.width, encoder.height = full.width, full.height
    encoder.pix_fmt = "yuvj420p"
    encoder.time_base = Fraction(1, 90000)
    encoder.options = {"qmin": _QUALITY, "qmax": _QUALITY}
    return b"".join(bytes(packet) for packet in (*encoder.encode(full), *encoder.encode(None)))


def _picture(frame: Frame) -> av.VideoFrame:
    """The library's own frame, or a copy of the planes in one; limited RGB comes out full."""
    if isinstance(frame.lease.native, av.VideoFrame):
        return frame.lease.native
    video = frame.format
    copy = av.VideoFrame(video.width, video.height, video.pixel.value)
    for index, (plane, target) in enumerate(zip(frame.lease.planes, copy.planes, strict=True)):
        row_bytes = target.width * video.pixel.pixel_bytes * (2 if video.pixel.interleaved and index == 1 else 1)
        rows = _rows(plane, target.height, row_bytes)
        if video.pixel.is_rgb and video.range is Range.LIMITED:
            rows = _STRETCHED[rows]
        _rows(Plane(memoryview(target), target.line_size), target.height, row_bytes)[:] = rows
    return copy


def _rows(plane: Plane, rows: int, row_bytes: int) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    """A plane's rows without the padding after them; the last row may lack its padding. Raises Fault."""
    flat = np.frombuffer(plane.memory, np.uint8)
    needed = plane.stride * (rows - 1) + row_bytes
    if flat.size < needed:
        raise Fault(f"a plane of {flat.size} bytes does not hold {rows} rows of {plane.stride} bytes")
    return np.lib.stride_tricks.as_strided(flat[:needed], shape=(rows, row_bytes), strides=(plane.stride, 1))
