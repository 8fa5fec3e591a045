"""Frames made smaller for one rung: a weak viewer's, or one whose bit rate does not suffice."""

from __future__ import annotations

from dataclasses import replace

from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation, VideoReformatter

from board.av.intake import LEVELS, MATRIX, FrameIntake
from edge.model.frame import Frame, Lease, Plane
from edge.model.video import VideoFormat


class FrameShrinker:
    """A Shrinker. Every pixel of the small picture is the mean of the area that it stands for; colours stay."""

    def __init__(self) -> None:
        self._reformatter = VideoReformatter()
        self._intake: FrameIntake | None = None
        self._coded: VideoFormat | None = None

    def shrink(self, frame: Frame, video: VideoFormat) -> Frame:
        """Raises NotSupported for a frame whose sides are odd."""
        coded = frame.format.coded
        if self._intake is None or self._coded != coded:
            self._intake, self._coded = FrameIntake(coded), coded
        picture = self._reformatter.reformat(
            self._intake.take(frame),
            width=video.width,
            height=video.height,
            format=self._intake.pix_fmt,
            src_colorspace=MATRIX[coded.colorimetry],
            dst_colorspace=MATRIX[coded.colorimetry],
            src_color_range=LEVELS[coded.range],
            dst_color_range=LEVELS[coded.range],
            interpolation=Interpolation.AREA,
            threads=1,
        )
        return replace(frame, format=video, lease=Lease(_planes(picture), native=picture))


def _planes(picture: VideoFrame) -> tuple[Plane, ...]:
    return tuple(Plane(memoryview(plane), plane.line_size) for plane in picture.planes)
