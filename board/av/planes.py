"""Frames of any layout as bare planes, for encoders that are not PyAV's."""

from __future__ import annotations

from board.av.intake import FrameIntake
from edge.model.errors import Invalid
from edge.model.frame import Frame, Plane
from edge.model.video import Pixel, VideoFormat


class PlaneIntake:
    """What FrameIntake makes, as yuv420p or as nv12.

    Raises Invalid in the constructor for another layout, NotSupported for a size that cannot be taken.
    """

    def __init__(self, video: VideoFormat, pixel: Pixel = Pixel.YUV420P) -> None:
        if pixel not in (Pixel.YUV420P, Pixel.NV12):
            raise Invalid(f"pixel layout {pixel} is not made of others; allowed: {Pixel.YUV420P}, {Pixel.NV12}")
        self._intake = FrameIntake(video, pixel=pixel)
        self._pixel = pixel

    def __call__(self, frame: Frame) -> tuple[Plane, ...]:
        """Valid while the frame's lease is held and until the next call. Raises Fault when it has been released."""
        if frame.format.pixel is self._pixel:
            return frame.lease.planes
        picture = self._intake.take(frame)
        return tuple(Plane(memoryview(plane), plane.line_size) for plane in picture.planes)
