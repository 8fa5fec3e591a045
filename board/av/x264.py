"""H.264 in software: libx264 through PyAV, set up for live pictures and for browsers."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import av
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType

from board.av.intake import FrameIntake
from edge.model.errors import Fault, NotSupported
from edge.model.frame import PTS_HZ, Encoded, Frame, pts_of
from edge.model.video import Codec, Colorimetry, EncodeTarget, Range, Trait, VideoFormat
from edge.ports import Retarget

_TIME_BASE = Fraction(1, PTS_HZ)
# What a keyframe may take of the ceiling, in seconds of line time. Below three frame periods the
# rate control cannot come near its ceiling: measured at 30 frames/s, 75 % with 1.5, 95 % with 3.
_VBV_S = Fraction(1, 20)
_VBV_FRAMES = 3
_ONE_THREAD_PIXELS_PER_S = 1920 * 1088 * 60
# Code points of ISO/IEC 23091-2 for primaries, transfer, matrix
_COLOUR = {
    Colorimetry.BT709: (1, 1, 1),
    Colorimetry.BT601: (6, 6, 6),
    Colorimetry.BT2020: (9, 14, 9),
    Colorimetry.SYCC: (1, 13, 6),
}
_RANGE = {Range.LIMITED: 1, Range.FULL: 2}


class X264Encoder:
    """Constrained Baseline, one unit out per frame in, parameter sets in-band at each IDR.

    `speed` is an x264 preset; `threads` None takes one up to 1080p60 and two above. The encoder
    is opened at the target's ceiling, since only then may the rate be set anew while it runs.
    """

    def __init__(self, *, speed: str = "ultrafast", threads: int | None = None) -> None:
        self._speed = speed
        self._threads = threads
        self._context: VideoCodecContext | None = None
        self._intake: FrameIntake | None = None
        self._coded: VideoFormat | None = None
        self._video: VideoFormat | None = None  # the format checked last
        self._target: EncodeTarget | None = None

    @property
    def name(self) -> str:
        return "x264"

    @property
    def hardware(self) -> bool:
        return False

    @property
    def codec(self) -> Codec:
        return Codec.H264

    @property
    def traits(self) -> frozenset[Trait]:
        return frozenset((Trait.LIVE_BITRATE,))

    def open(self, video: VideoFormat, target: EncodeTarget) -> None:
        """Raises NotSupported for a size, rate, speed or bitrate that cannot be encoded."""
        self.close()
        _check(video, target)
        coded = video.coded
        intake = FrameIntake(coded)
        context = self._set_up(coded, target, intake.pix_fmt)
        try:
            context.open()
        except (av.FFmpegError, OverflowError) as error:
            raise NotSupported(
                f"x264 refuses {video.width}x{video.height} at {video.fps} frames/s, "
                f"{target.max_bitrate_bps} bit/s, speed {self._speed!r}: {error}"
            ) from error
        context.bit_rate = target.bitrate_bps
        self._context, self._intake, self._coded, self._target = context, intake, coded, target
        self._video = video

    def encode(self, frame: Frame, *, force_key: bool) -> Sequence[Encoded]:
        """Takes any layout. Raises Fault when the frame is not of the size, rate and colours it was opened for."""
        context, intake = self._context, self._intake
        if context is None or intake is None:
            raise Fault("x264 encoder used before open")
        if frame.format is not self._video and frame.format.coded != self._coded:
            raise Fault(f"x264 encoder opened for {self._coded} was given {frame.format}")
        self._video = frame.format
        picture = intake.take(frame)
        picture.pts = pts_of(frame.stamps.captured_ns)
        picture.time_base = _TIME_BASE
        picture.pict_type = PictureType.I if force_key else PictureType.NONE
        return [Encoded(packet.pts or 0, packet.is_keyframe, bytes(packet)) for packet in context.encode(picture)]

    def retarget(self, target: EncodeTarget) -> Retarget:
        """Settles within about a second; a new GOP length or a rate above the ceiling needs a new epoch."""
        opened = self._target
        if self._context is None or opened is None or target.gop_s != opened.gop_s:
            return Retarget.NEEDS_NEW_EPOCH
        if target.bitrate_bps > opened.max_bitrate_bps:
            return Retarget.NEEDS_NEW_EPOCH
        self._context.bit_rate = target.bitrate_bps
        return Retarget.LIVE

    def close(self) -> None:
        self._context = self._intake = self._coded = self._video = self._target = None

    def _set_up(self, video: VideoFormat, target: EncodeTarget, pix_fmt: str) -> VideoCodecContext:
        context = av.CodecContext.create("libx264", "w")
        context.width, context.height, context.pix_fmt = video.width, video.height, pix_fmt
        context.framerate, context.time_base = video.fps, _TIME_BASE
        context.bit_rate = target.max_bitrate_bps
        context.gop_size = max(1, round(target.gop_s * video.fps))
        context.max_b_frames = 0
        context.thread_count = self._threads or _threads_for(video)
        context.color_primaries, context.color_trc, context.colorspace = _COLOUR[video.colorimetry]
        context.color_range = _RANGE[video.range]
        context.options = self._options(video, target)
        return context

    def _options(self, video: VideoFormat, target: EncodeTarget) -> dict[str, str]:
        buffer_s = max(_VBV_S, _VBV_FRAMES / video.fps)
        return {
            "preset": self._speed,
            "tune": "zerolatency",
            "profile": "baseline",
            "forced-idr": "1",
            "maxrate": str(target.max_bitrate_bps),
            "bufsize": str(round(target.max_bitrate_bps * buffer_s)),
            "x264-params": "scenecut=0:repeat-headers=1:annexb=1",
        }


def _threads_for(video: VideoFormat) -> int:
    return 1 if video.width * video.height * video.fps <= _ONE_THREAD_PIXELS_PER_S else 2


def _check(video: VideoFormat, target: EncodeTarget) -> None:
    if not 0 < video.fps <= 240:
        raise NotSupported(f"{video.fps} frames/s is outside 0..240")
    if not 0 < target.bitrate_bps <= target.max_bitrate_bps:
        raise NotSupported(f"bitrate {target.bitrate_bps} bit/s is not within 1..{target.max_bitrate_bps}")
