"""A Frame as an av.VideoFrame that shares its memory; a copy only where the library cannot share."""

from __future__ import annotations

from typing import cast

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter
from numpy.typing import NDArray

from edge.model.errors import NotSupported
from edge.model.frame import Frame, Plane
from edge.model.video import Colorimetry, Pixel, Range, VideoFormat

Bytes = NDArray[np.uint8]
_SHARED = {(Pixel.YUV420P, Range.LIMITED): "yuv420p", (Pixel.YUV420P, Range.FULL): "yuvj420p"}


class FrameIntake:
    """Frames of one format become pictures in `pix_fmt`, the layout the encoder takes.

    yuv420p and nv12 are taken as they lie; the packed layouts cost one conversion. Raises
    NotSupported in the constructor for a format it cannot take.
    """

    def __init__(self, video: VideoFormat) -> None:
        if video.width % 2 or video.height % 2 or video.width < 16 or video.height < 16:
            raise NotSupported(f"{video.width}x{video.height}: sides must be even and at least 16 pixels")
        if video.pixel is Pixel.RGB24 and video.range is Range.LIMITED:
            raise NotSupported("rgb24 of limited range cannot be converted without bending its colours")
        self._video = video
        self._layout = "nv12" if video.pixel is Pixel.NV12 else _SHARED[Pixel.YUV420P, video.range]
        self._packed = video.pixel not in (Pixel.YUV420P, Pixel.NV12)
        self._reformatter = VideoReformatter()
        self._staging: av.VideoFrame | None = None

    @property
    def pix_fmt(self) -> str:
        return self._layout

    def take(self, frame: Frame) -> av.VideoFrame:
        """Valid while the frame's lease is held. Raises Fault when it has been released."""
        planes = frame.lease.planes
        native = frame.lease.native
        if isinstance(native, av.VideoFrame) and native.format.name == self._layout:
            return native
        if not self._packed and (whole := self._whole_picture(planes)) is not None:
            return av.VideoFrame.from_numpy_buffer(whole, format=self._layout, width=self._video.width)
        staged = self._stage(planes)
        return self._converted(staged) if self._packed else staged

    def _whole_picture(self, planes: tuple[Plane, ...]) -> Bytes | None:
        """The planes as one array when they lie in one buffer without holes, else None."""
        height, stride = self._video.height, planes[0].stride
        chroma = stride if self._layout == "nv12" else stride // 2
        if height % 4 or stride % 2 or any(plane.stride != chroma for plane in planes[1:]):
            return None  # from_numpy_buffer rounds the height down to a multiple of four
        parts = [np.frombuffer(plane.memory, np.uint8) for plane in planes]
        sizes = [stride * height] + [chroma * (height // 2)] * (len(planes) - 1)
        begins = [_address(part) for part in parts]
        if any(begin + size != after for begin, size, after in zip(begins, sizes, begins[1:], strict=False)):
            return None
        buffer = _owner(planes[0])
        at = begins[0] - _address(buffer)
        if at < 0 or at + sum(sizes) > buffer.size:
            return None
        return buffer[at : at + sum(sizes)].reshape(height * 3 // 2, stride)

    def _stage(self, planes: tuple[Plane, ...]) -> av.VideoFrame:
        """A copy of the picture in a frame of the library's own, used again each time."""
        if self._staging is None:
            layout = self._video.pixel.value if self._packed else self._layout
            self._staging = av.VideoFrame(self._video.width, self._video.height, layout)
        for index, (plane, target) in enumerate(zip(planes, self._staging.planes, strict=True)):
            row_bytes, rows = target.width * _bytes_per_sample(self._video.pixel, index), target.height
            source = _rows(np.frombuffer(plane.memory, np.uint8), plane.stride, rows, row_bytes)
            _rows(np.frombuffer(memoryview(target), np.uint8), target.line_size, rows, row_bytes)[:] = source
        return self._staging

    def _converted(self, packed: av.VideoFrame) -> av.VideoFrame:
        space = Colorspace.ITU709 if self._video.colorimetry is Colorimetry.BT709 else Colorspace.ITU601
        reach = ColorRange.JPEG if self._video.range is Range.FULL else ColorRange.MPEG
        return self._reformatter.reformat(
            packed,
            format=self._layout,
            src_colorspace=space,
            dst_colorspace=space,
            src_color_range=reach,
            dst_color_range=reach,
            threads=1,
        )


def _owner(plane: Plane) -> Bytes:
    """The whole buffer that a plane is a part of, as flat bytes."""
    exporter: object = plane.memory.obj
    while isinstance(exporter, np.ndarray) and exporter.base is not None:
        exporter = exporter.base
    return np.frombuffer(memoryview(cast(bytearray, exporter)), np.uint8)


def _address(array: Bytes) -> int:
    return int(array.__array_interface__["data"][0])


def _bytes_per_sample(pixel: Pixel, plane: int) -> int:
    """Bytes per pixel of that plane's own width."""
    if pixel is Pixel.RGB24:
        return 3
    return 2 if pixel in (Pixel.UYVY422, Pixel.YUYV422) or (pixel is Pixel.NV12 and plane == 1) else 1


def _rows(flat: Bytes, stride: int, rows: int, row_bytes: int) -> Bytes:
    """The picture's rows without the padding after them; the last row may lack its padding."""
    return np.lib.stride_tricks.as_strided(
        flat[: stride * (rows - 1) + row_bytes], shape=(rows, row_bytes), strides=(stride, 1)
    )
