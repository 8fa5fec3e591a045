"""Pictures of any layout as planes of yuv420p, for encoders that are not of this library."""

from __future__ import annotations

from board.av.intake import FrameIntake
from edge.model.frame import Frame, Plane
from edge.model.video import VideoFormat


class PlanarIntake:
    """For frames of one size, rate and colour. Raises NotSupported for a size that cannot be taken."""

    def __init__(self, video: VideoFormat) -> None:
        self._intake = FrameIntake(video)

    def __call__(self, frame: Frame) -> tuple[Plane, ...]:
        """Valid while the frame's lease is held and until the next call."""
        picture = self._intake.take(frame)
        return tuple(Plane(memoryview(plane), plane.line_size) for plane in picture.planes)
