"""The still part of the test pattern: colour bars, tissue tones, a grey ramp."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge.model.video import Colorimetry

Bytes = NDArray[np.uint8]
BLACK, WHITE, NEUTRAL = 16, 235, 128
_KR_KB = {Colorimetry.BT709: (0.2126, 0.0722), Colorimetry.BT601: (0.299, 0.114)}
_BARS_75 = tuple((0.75 * r, 0.75 * g, 0.75 * b) for r, g, b in (
    (1, 1, 1), (1, 1, 0), (0, 1, 1), (0, 1, 0), (1, 0, 1), (1, 0, 0), (0, 0, 1),
))  # fmt: skip
_TISSUE = ((0.20, 0.03, 0.04), (0.55, 0.14, 0.13), (0.82, 0.42, 0.36), (0.96, 0.76, 0.66))


class Planes:
    """yuv420p in one contiguous buffer, and its three planes as arrays on it."""

    def __init__(self, width: int, height: int) -> None:
        luma_bytes = width * height
        quarter = luma_bytes // 4
        self.buffer: Bytes = np.empty(luma_bytes + 2 * quarter, np.uint8)
        self.luma = self.buffer[:luma_bytes].reshape(height, width)
        self.cb = self.buffer[luma_bytes : luma_bytes + quarter].reshape(height // 2, width // 2)
        self.cr = self.buffer[luma_bytes + quarter :].reshape(height // 2, width // 2)


def ycbcr(rgb: NDArray[np.float64], colorimetry: Colorimetry) -> Bytes:
    """Non-linear RGB 0..1 (last axis) as limited-range 8-bit code values (ITU-R BT.709 3.5, BT.601 2.5)."""
    kr, kb = _KR_KB[colorimetry]
    red, green, blue = rgb[..., 0], rgb[..., 1], rgb[..., 2]
    y = kr * red + (1 - kr - kb) * green + kb * blue
    cb, cr = (blue - y) / (2 - 2 * kb), (red - y) / (2 - 2 * kr)
    return np.rint(np.stack((16 + 219 * y, 128 + 224 * cb, 128 + 224 * cr), axis=-1)).astype(np.uint8)


def paint_background(planes: Planes, *, top: int, colorimetry: Colorimetry) -> None:
    """Black above row `top` (even), the pattern below it."""
    height, width = planes.luma.shape
    room = height - top
    tones_top = top + room * 64 // 100 // 2 * 2
    ramp_top = top + room * 82 // 100 // 2 * 2
    across = np.arange(width) / width
    bars = np.array(_BARS_75)[(across * len(_BARS_75)).astype(int)]
    steps = np.linspace(0, 1, len(_TISSUE))
    tones = np.stack([np.interp(across, steps, [tone[i] for tone in _TISSUE]) for i in range(3)], axis=-1)
    ramp = np.repeat(across[:, None], 3, axis=1)
    _band(planes, 0, top, ycbcr(np.zeros((width, 3)), colorimetry))
    for begin, end, row in ((top, tones_top, bars), (tones_top, ramp_top, tones), (ramp_top, height, ramp)):
        _band(planes, begin, end, ycbcr(row, colorimetry))


def _band(planes: Planes, top: int, bottom: int, row: Bytes) -> None:
    planes.luma[top:bottom] = row[:, 0]
    planes.cb[top // 2 : bottom // 2] = row[::2, 1]
    planes.cr[top // 2 : bottom // 2] = row[::2, 2]
