"""The time strip out of a decoded picture."""

from __future__ import annotations

import numpy as np
from av import VideoFrame

from edge.model import strip

_LUMA_FIRST = ("yuv420p", "yuvj420p", "nv12", "yuv422p", "yuvj422p", "yuv444p", "yuvj444p", "gray")


def read_strip(frame: VideoFrame) -> int | None:
    """Capture time in microseconds modulo 2**48; None when the picture carries no strip or a damaged one."""
    side = strip.cell_px(frame.width)
    if side == 0 or frame.height < side:
        return None
    picture = frame if frame.format.name in _LUMA_FIRST else frame.reformat(format="gray")
    plane = picture.planes[0]
    row = np.frombuffer(memoryview(plane), np.uint8, count=frame.width, offset=plane.line_size * (side // 2))
    return strip.read_cells(row[side // 2 : side * strip.CELLS : side].tolist())
