"""A raw picture as JPEG."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np

from edge.model.errors import NotSupported
from edge.model.frame import Frame
from edge.model.video import Colorimetry, Pixel, Range

_QUALITY = "2"  # FFmpeg's qscale for mjpeg: 2 is the best that stays baseline


def jpeg_of(frame: Frame) -> bytes:
    """Baseline JPEG (full-range BT.601, as JFIF wants) of a leased picture. Raises NotSupported.

    The picture's own matrix and range are converted here, once.
    """
    picture = _picture(frame)
    matrix = "ITU709" if frame.format.colorimetry is Colorimetry.BT709 else "ITU601"
    levels = "JPEG" if frame.format.range is Range.FULL else "MPEG"
    full = picture.reformat(
        format="yuvj420p",
        src_colorspace=matrix,
        dst_colorspace="ITU601",
        src_color_range=levels,
        dst_color_range="JPEG",
    )
    encoder = av.CodecContext.create("mjpeg", "w")
    encoder.width, encoder.height = full.width, full.height
    encoder.pix_fmt = "yuvj420p"
    encoder.time_base = Fraction(1, 90000)
    encoder.options = {"qmin": _QUALITY, "qmax": _QUALITY}
    return b"".join(bytes(packet) for packet in (*encoder.encode(full), *encoder.encode(None)))


def _picture(frame: Frame) -> av.VideoFrame:
    if isinstance(frame.lease.native, av.VideoFrame):
        return frame.lease.native
    video = frame.format
    if video.pixel is not Pixel.YUV420P:
        raise NotSupported(f"no still from {video.pixel} pictures")
    rows = [
        np.frombuffer(plane.memory, np.uint8).reshape(-1, plane.stride)[:, : video.width >> (index > 0)].reshape(-1)
        for index, plane in enumerate(frame.lease.planes)
    ]
    return av.VideoFrame.from_ndarray(np.concatenate(rows).reshape(-1, video.width), format="yuv420p")
