"""What tests of the encoders' options ask for."""

from __future__ import annotations

from fractions import Fraction

from board.av.library import Wish
from edge.model.video import EncodeTarget, Refresh, VideoFormat

VIDEO = VideoFormat(1920, 1080, Fraction(60))


def wish(
    *,
    video: VideoFormat = VIDEO,
    refresh: Refresh = Refresh.KEYFRAMES,
    slices: int = 1,
    vbv_frames: float = 3.0,
    threads: int = 0,
) -> Wish:
    target = EncodeTarget(8_000_000, 20_000_000, gop_s=1.5, refresh=refresh, slices=slices, vbv_frames=vbv_frames)
    return Wish(video, target, "veryfast", threads)
