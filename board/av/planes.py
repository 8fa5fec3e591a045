"""Frames of any layout as bare planes, for encoders that are not PyAV's."""

from __future__ import annotations

from av.video.reformatter import VideoReformatter

from board.av.intake import LEVELS, FrameIntake
from edge.model.errors import Invalid
from edge.model.frame import Frame, Plane
from edge.model.video import Pixel, VideoFormat


class PlaneIntake:
    """As FrameIntake, with what it makes as yuv420p or as nv12: the order of the same chroma, not its values.

    Raises Invalid in the constructor for another layout, NotSupported for a size that cannot be taken.
    """

    def __init__(self, video: VideoFormat, pixel: Pixel) -> None:
        if pixel not in (Pixel.YUV420P, Pixel.NV12):
            raise Invalid(f"pixel layout {pixel} is not made of others; allowed: {Pixel.YUV420P}, {Pixel.NV12}")
        self._intake = FrameIntake(video)
        self._reach = LEVELS[video.coded.range]
        self._pixel = pixel
        self._reformatter = VideoReformatter()

    def __call__(self, frame: Frame) -> tuple[Plane, ...]:
        """Valid while the frame's lease is held and until the next call. Raises Fault when it has been released."""
        if frame.format.pixel is self._pixel:
            return frame.lease.planes
        picture = self._intake.take(frame)
        if self._pixel is Pixel.NV12:
            picture = self._reformatter.reformat(
                picture, format="nv12", src_color_range=self._reach, dst_color_range=self._reach, threads=1
            )
        return tuple(Plane(memoryview(plane), plane.line_size) for plane in picture.planes)
