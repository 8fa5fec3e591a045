"""How picamera2's formats and colour spaces lie in memory and are called here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edge.model.errors import NotSupported
from edge.model.frame import Plane
from edge.model.video import Colorimetry, Pixel, Range

# libcamera names RGB formats by the order of bits in a little-endian word: the bytes lie the other way round
FORMATS: Mapping[Pixel, str] = {
    Pixel.YUV420P: "YUV420",
    Pixel.NV12: "NV12",
    Pixel.BGR24: "RGB888",
    Pixel.RGB24: "BGR888",
}
_RGB = frozenset((Pixel.BGR24, Pixel.RGB24))


def format_of(pixel: Pixel) -> str:
    """Raises NotSupported for what the camera cannot be asked for."""
    try:
        return FORMATS[pixel]
    except KeyError:
        raise NotSupported(f"a camera module gives {', '.join(FORMATS)}, not {pixel}") from None


def planes_of(memory: memoryview, pixel: Pixel, height: int, stride: int) -> tuple[Plane, ...]:
    """The planes lie one behind the other. Raises NotSupported when the buffer is too small for them."""
    sizes = _plane_sizes(pixel, height, stride)
    if len(memory) < sum(rows * width for rows, width in sizes):
        raise NotSupported(f"the camera's buffer of {len(memory)} bytes holds no {pixel} of {stride}x{height}")
    planes, at = [], 0
    for rows, width in sizes:
        planes.append(Plane(memory[at : at + rows * width], width))
        at += rows * width
    return tuple(planes)


def colours_of(space: Any, pixel: Pixel, height: int) -> tuple[Colorimetry, Range]:
    """Of a libcamera.ColorSpace; None (USB cameras): what is usual for that size.

    Sycc is what JPEG has, Smpte170m what SD television has, Rec709 what HD television has.
    """
    if space is None:
        colorimetry = Colorimetry.BT709 if height >= 720 else Colorimetry.BT601
        return colorimetry, Range.FULL if pixel in _RGB else Range.LIMITED
    full = pixel in _RGB or space.range.name == "Full"
    return _colorimetry(space), Range.FULL if full else Range.LIMITED


def _colorimetry(space: Any) -> Colorimetry:
    if space.primaries.name == "Rec2020":
        return Colorimetry.BT2020
    if space.primaries.name == "Smpte170m":
        return Colorimetry.BT601
    if space.transferFunction.name == "Srgb":
        return Colorimetry.SYCC
    return Colorimetry.BT601 if space.ycbcrEncoding.name == "Rec601" else Colorimetry.BT709


def _plane_sizes(pixel: Pixel, height: int, stride: int) -> tuple[tuple[int, int], ...]:
    """(rows, stride) of each plane."""
    if pixel is Pixel.YUV420P:
        return (height, stride), (height // 2, stride // 2), (height // 2, stride // 2)
    if pixel is Pixel.NV12:
        return (height, stride), (height // 2, stride)
    return ((height, stride),)
