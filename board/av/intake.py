"""A Frame of any layout as an av.VideoFrame in the one layout that the encoder takes."""

from __future__ import annotations

from typing import cast

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter

from board.av.reduce import REDUCIBLE, Bytes, reduce_to, rows_of
from edge.model.errors import NotSupported
from edge.model.frame import Frame, Plane
from edge.model.video import Colorimetry, Pixel, Range, VideoFormat

MATRIX = {
    Colorimetry.BT709: Colorspace.ITU709,
    Colorimetry.BT601: Colorspace.ITU601,
    Colorimetry.SYCC: Colorspace.ITU601,
    Colorimetry.BT2020: Colorspace.BT2020,
}
LEVELS = {Range.LIMITED: ColorRange.MPEG, Range.FULL: ColorRange.JPEG}
# Without these flags swscale rounds what it makes of bgr24 down (half a code value) and lets other chroma rows in.
EXACT = Interpolation.AREA | Interpolation.ACCURATE_RND
# swscale loads whole vectors: the last one of the last row may reach beyond a buffer that ends there
_OVERREAD_BYTES = 64
# Chroma of 0..255 for 0..255, minus the half that swscale loses there, as chroma of 16..240 for RGB of 16..235
_STRETCHED = np.clip(np.rint(128 + (np.arange(256) + 0.5 - 128) * 224 / 219), 1, 254).astype(np.uint8)
_STRETCHED[128] = 128


class FrameIntake:
    """Frames of one size, rate and colour become pictures in `pix_fmt`, whatever layout each comes in.

    yuv420p is taken as it lies. Everything else costs one conversion, which bends neither matrix
    nor range: nv12, uyvy and yuyv by swscale's unpackers, nv16, yuv422p and 10 bit by `reduce_to`;
    RGB by swscale with the matrix of its colorimetry, to limited range. For an encoder that takes `pixel`
    nv12, nv12 is taken as it lies and what would be yuv420p is interleaved. Raises NotSupported in the
    constructor for a size it cannot take.
    """

    def __init__(self, video: VideoFormat, *, pixel: Pixel = Pixel.YUV420P) -> None:
        if video.width % 2 or video.height % 2 or video.width < 16 or video.height < 16:
            raise NotSupported(f"{video.width}x{video.height}: sides must be even and at least 16 pixels")
        self._video = video.coded
        self._planar = "yuvj420p" if self._video.range is Range.FULL else "yuv420p"
        self._interleaves = pixel is Pixel.NV12
        self._reformatter = VideoReformatter()
        self._staging: dict[str, av.VideoFrame] = {}

    @property
    def pix_fmt(self) -> str:
        return "nv12" if self._interleaves else self._planar

    def take(self, frame: Frame) -> av.VideoFrame:
        """Valid while the frame's lease is held and until the next call. Raises Fault when it has been released."""
        if not self._interleaves:
            return self._in_planes(frame)
        if frame.format.pixel is Pixel.NV12:
            return self._whole(frame)
        return self._reformatted(self._in_planes(frame), self._video.range, self._video.range, "nv12")

    def _in_planes(self, frame: Frame) -> av.VideoFrame:
        planes, pixel = frame.lease.planes, frame.format.pixel
        if pixel is Pixel.YUV420P:
            return self._shared(frame, self._planar) or self._copied(planes, pixel, self._planar)
        if pixel in REDUCIBLE:
            target = self._own(self._planar)
            reduce_to(target, pixel, planes)
            return target
        if pixel.is_rgb:
            return self._from_rgb(self._whole(frame), frame.format.range)
        return self._reformatted(self._whole(frame), self._video.range, self._video.range)

    def _whole(self, frame: Frame) -> av.VideoFrame:
        """The picture in its own layout."""
        layout = frame.format.pixel.value
        return self._shared(frame, layout) or self._copied(frame.lease.planes, frame.format.pixel, layout)

    def _shared(self, frame: Frame, layout: str) -> av.VideoFrame | None:
        """The picture where it lies, None when the library cannot take it like that."""
        planes, native = frame.lease.planes, frame.lease.native
        if isinstance(native, av.VideoFrame) and native.format.name == layout:
            return native
        pixel, width, height = frame.format.pixel, frame.format.width, frame.format.height
        if pixel.is_rgb:
            rows = rows_of(planes[0].memory, planes[0].stride, height, 3 * width)
            if planes[0].memory.nbytes < planes[0].stride * (height - 1) + 3 * width + _OVERREAD_BYTES:
                return None
            return av.VideoFrame.from_numpy_buffer(rows.reshape(height, width, 3), format=layout)
        if pixel not in (Pixel.YUV420P, Pixel.NV12) or (whole := _one_array(planes, pixel, height)) is None:
            return None
        return av.VideoFrame.from_numpy_buffer(whole, format=layout, width=width)

    def _copied(self, planes: tuple[Plane, ...], pixel: Pixel, layout: str) -> av.VideoFrame:
        target = self._own(layout)
        for index, (plane, into) in enumerate(zip(planes, target.planes, strict=True)):
            row_bytes = into.width * pixel.pixel_bytes * (2 if pixel.interleaved and index == 1 else 1)
            source = rows_of(plane.memory, plane.stride, into.height, row_bytes)
            rows_of(memoryview(into), into.line_size, into.height, row_bytes)[:] = source
        return target

    def _own(self, layout: str) -> av.VideoFrame:
        """A frame of the library's own, the same each time."""
        if layout not in self._staging:
            self._staging[layout] = av.VideoFrame(self._video.width, self._video.height, layout)
        return self._staging[layout]

    def _from_rgb(self, rgb: av.VideoFrame, reach: Range) -> av.VideoFrame:
        """swscale takes all RGB for full; of limited RGB so taken the luma comes out right, the chroma too small."""
        if reach is Range.FULL:
            return self._reformatted(rgb, Range.FULL, Range.LIMITED)
        picture = self._reformatted(rgb, Range.FULL, Range.FULL)
        target = self._own(self._planar)
        for index, (plane, into) in enumerate(zip(picture.planes, target.planes, strict=True)):
            source = rows_of(memoryview(plane), plane.line_size, plane.height, plane.width)
            room = rows_of(memoryview(into), into.line_size, into.height, into.width)
            room[:] = _STRETCHED[source] if index else source
        return target

    def _reformatted(
        self, picture: av.VideoFrame, reach: Range, wanted: Range, layout: str | None = None
    ) -> av.VideoFrame:
        matrix = MATRIX[self._video.colorimetry]
        return self._reformatter.reformat(
            picture,
            format=layout or ("yuvj420p" if wanted is Range.FULL else "yuv420p"),
            src_colorspace=None if picture.format.is_rgb else matrix,
            dst_colorspace=matrix,
            src_color_range=LEVELS[reach],
            dst_color_range=LEVELS[wanted],
            interpolation=EXACT,
            threads=1,
        )


def _one_array(planes: tuple[Plane, ...], pixel: Pixel, height: int) -> Bytes | None:
    """The planes of a 4:2:0 picture as one array when they lie in one buffer without holes, else None."""
    stride = planes[0].stride
    chroma = stride if pixel is Pixel.NV12 else stride // 2
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


def _owner(plane: Plane) -> Bytes:
    """The whole buffer that a plane is a part of, as flat bytes."""
    exporter: object = plane.memory.obj
    while isinstance(exporter, np.ndarray) and exporter.base is not None:
        exporter = exporter.base
    return np.frombuffer(memoryview(cast(bytearray, exporter)), np.uint8)


def _address(array: Bytes) -> int:
    return int(array.__array_interface__["data"][0])
