"""Raw pictures as GStreamer wants them: caps, and one run of bytes with its own strides."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edge.model.errors import Fault, Invalid
from edge.model.frame import Plane
from edge.model.video import Colorimetry, Pixel, Range, VideoFormat

_NAMES = {Pixel.YUV420P: "I420", Pixel.NV12: "NV12", Pixel.UYVY422: "UYVY", Pixel.YUYV422: "YUY2"}
# GstVideoColorRange; matrix, transfer and primaries in GstVideo's own numbers (gstvideo/video-color.h)
_RANGE = {Range.FULL: 1, Range.LIMITED: 2}
_COLOUR = {
    Colorimetry.BT709: "3:5:1",
    Colorimetry.BT601: "4:16:4",
    Colorimetry.BT2020: "6:13:7",
    Colorimetry.SYCC: "4:7:1",
}
# Elements compare these as text, and GStreamer writes those that have a name by it
_NAMED = {"2:3:5:1": "bt709", "2:4:16:4": "bt601", "2:6:13:7": "bt2020-10"}


def check_layout(pixel: Pixel) -> None:
    """Raises Invalid for a layout that is not handed to GStreamer."""
    if pixel not in _NAMES:
        raise Invalid(f"pixel layout {pixel} is not given to GStreamer; allowed: {', '.join(_NAMES)}")


def raw_caps(video: VideoFormat, pixel: Pixel) -> str:
    """Caps of pictures of that size, rate and colour in the layout `pixel`."""
    numbers = f"{_RANGE[video.range]}:{_COLOUR[video.colorimetry]}"
    return (
        f"video/x-raw,format={_NAMES[pixel]},width={video.width},height={video.height},"
        f"framerate={video.fps.numerator}/{video.fps.denominator},pixel-aspect-ratio=1/1,"
        f"interlace-mode=progressive,colorimetry={_NAMED.get(numbers, numbers)}"
    )


def packed(planes: Sequence[Plane], pixel: Pixel, width: int, height: int) -> bytes:
    """A copy with the strides that GStreamer expects where nothing else is said: rows in multiples of four bytes.

    The copy cannot be saved, since an encoder may still read after the lease has ended; so that no element needs to
    know of foreign strides, it removes them. Raises Fault when the memory is smaller than the picture.
    """
    shapes = _shapes(pixel, width, height)
    if len(planes) != len(shapes):
        raise Fault(f"{pixel} has {len(shapes)} planes, not {len(planes)}")
    return b"".join(_rows(plane, *shape) for plane, shape in zip(planes, shapes, strict=True))


def _shapes(pixel: Pixel, width: int, height: int) -> tuple[tuple[int, int], ...]:
    """(bytes in a row, rows) of each plane."""
    if pixel is Pixel.YUV420P:
        return ((width, height), (width // 2, height // 2), (width // 2, height // 2))
    if pixel is Pixel.NV12:
        return ((width, height), (width, height // 2))
    return ((width * pixel.pixel_bytes, height),)


def _rows(plane: Plane, row_bytes: int, rows: int) -> memoryview:
    stride = -(-row_bytes // 4) * 4
    memory = plane.memory.cast("B")
    needed = plane.stride * (rows - 1) + row_bytes
    if memory.nbytes < needed or plane.stride < row_bytes:
        raise Fault(f"a plane of {memory.nbytes} bytes, {plane.stride} to a row, for {rows} rows of {row_bytes}")
    if plane.stride == stride and memory.nbytes >= stride * rows:
        return memory[: stride * rows]
    target = np.zeros((rows, stride), np.uint8)
    source = np.frombuffer(memory, np.uint8)[:needed]
    target[:, :row_bytes] = np.lib.stride_tricks.as_strided(source, (rows, row_bytes), (plane.stride, 1))
    return target.data.cast("B")
