"""Any encoder of FFmpeg that a `Library` describes, through PyAV."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any, cast

import av
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType

from board.av.intake import FrameIntake
from board.av.library import Library, Wish
from board.av.rate_trim import RateTrim
from board.av.sayings import heard, reason
from edge.model.annexb import shows_idr
from edge.model.errors import EdgeError, EncoderFailed, Fault, Missing, NotSupported
from edge.model.frame import PTS_HZ, Encoded, Frame, pts_of
from edge.model.video import Codec, Colorimetry, EncodeTarget, Range, Trait, VideoFormat
from edge.ports import Retarget

_TIME_BASE = Fraction(1, PTS_HZ)
# Code points of ISO/IEC 23091-2 for primaries, transfer, matrix
_COLOUR = {
    Colorimetry.BT709: (1, 1, 1),
    Colorimetry.BT601: (6, 6, 6),
    Colorimetry.BT2020: (9, 14, 9),
    Colorimetry.SYCC: (1, 13, 6),
}
_RANGE = {Range.LIMITED: 1, Range.FULL: 2}


class AvEncoder:
    """One unit out per frame in, parameter sets in-band at each IDR, no reordering."""

    def __init__(self, library: Library, *, name: str, speed: str, threads: int = 0) -> None:
        self._library = library
        self._name = name
        self._speed = speed
        self._threads = threads
        self._context: VideoCodecContext | None = None
        self._intake: FrameIntake | None = None
        self._coded: VideoFormat | None = None
        self._video: VideoFormat | None = None  # the format checked last
        self._target: EncodeTarget | None = None
        self._trim: RateTrim | None = None
        self._before_ns: int | None = None  # when the picture before was captured

    @property
    def name(self) -> str:
        return self._name

    @property
    def hardware(self) -> bool:
        return self._library.hardware

    @property
    def codec(self) -> Codec:
        return self._library.codec

    @property
    def traits(self) -> frozenset[Trait]:
        return self._library.traits

    def open(self, video: VideoFormat, target: EncodeTarget) -> None:
        """Raises NotSupported for a size, rate, speed or bitrate that cannot be encoded.

        Raises Missing when this FFmpeg has no such encoder, EncoderFailed when the machine has none to give.
        """
        self.close()
        _check(video, target)
        intake = FrameIntake(video, pixel=self._library.pixel)
        wish = Wish(video.coded, target, self._speed, self._threads)
        context = self._set_up(wish, intake.pix_fmt)
        self._start(context, wish)
        self._context, self._intake, self._coded, self._target = context, intake, video.coded, target
        self._video = video
        if self._library.trimmed:
            most_bps = self._library.opening_bps(wish)
            self._trim = RateTrim(target.bitrate_bps, most_bps=most_bps)
            context.bit_rate = target.bitrate_bps

    def encode(self, frame: Frame, *, force_key: bool) -> Sequence[Encoded]:
        """Takes any layout. Raises Fault when the frame is not of the size, rate and colours it was opened for.

        Raises EncoderFailed when the library refuses. One that hangs cannot be stopped from here: the rung stalls then.
        """
        context, intake = self._context, self._intake
        if context is None or intake is None:
            raise Fault(f"{self._name} encoder used before open")
        if frame.format is not self._video and frame.format.coded != self._coded:
            raise Fault(f"{self._name} encoder opened for {self._coded} was given {frame.format}")
        self._video = frame.format
        picture = intake.take(frame)
        picture.pts = pts_of(frame.stamps.captured_ns)
        picture.time_base = _TIME_BASE
        picture.pict_type = PictureType.I if force_key else PictureType.NONE
        try:
            packets = context.encode(picture)
        except av.FFmpegError as error:
            raise EncoderFailed(f"{self._name}: {self._library.ffmpeg} broke down while encoding: {error}") from error
        units = [self._unit(packet) for packet in packets]
        if self._trim is not None:
            self._trim.took(8 * sum(len(unit.data) for unit in units), self._seconds_since(frame))
            context.bit_rate = self._trim.bps
        return units

    def _seconds_since(self, frame: Frame) -> float:
        """What lies between this frame and the one before; a frame interval at the first."""
        now_ns, before_ns, self._before_ns = frame.stamps.captured_ns, self._before_ns, frame.stamps.captured_ns
        return float(1 / frame.format.fps) if before_ns is None else (now_ns - before_ns) / 1e9

    def retarget(self, target: EncodeTarget) -> Retarget:
        """Live within half a second: a rate up to the ceiling, where the library can. All else needs a new epoch."""
        opened = self._target
        if self._context is None or opened is None:
            return Retarget.NEEDS_NEW_EPOCH
        alike = replace(target, bitrate_bps=opened.bitrate_bps, max_bitrate_bps=opened.max_bitrate_bps) == opened
        live = Trait.LIVE_BITRATE in self.traits and 0 < target.bitrate_bps <= opened.max_bitrate_bps
        if not alike or not (live or target.bitrate_bps == opened.bitrate_bps):
            return Retarget.NEEDS_NEW_EPOCH
        if self._trim is not None:
            self._trim.aim(target.bitrate_bps)
            self._context.bit_rate = self._trim.bps
        return Retarget.LIVE

    def close(self) -> None:
        self._context = self._intake = self._coded = self._video = self._target = None
        self._trim = self._before_ns = None

    def _set_up(self, wish: Wish, pix_fmt: str) -> VideoCodecContext:
        library, video = self._library, wish.video
        try:
            context = cast(VideoCodecContext, av.CodecContext.create(library.ffmpeg, "w"))
        except av.codec.codec.UnknownCodecError as error:
            raise Missing(f"{self._name}: the FFmpeg of this installation has no {library.ffmpeg}") from error
        context.width, context.height, context.pix_fmt = video.width, video.height, pix_fmt
        context.framerate, context.time_base = video.fps, _TIME_BASE
        context.bit_rate = library.opening_bps(wish)
        context.gop_size = wish.gop_frames
        context.max_b_frames = 0
        context.thread_count = library.threads(wish)
        context.color_primaries, context.color_trc, context.colorspace = _COLOUR[video.colorimetry]
        context.color_range = _RANGE[video.range]
        context.options = dict(library.options(wish))
        return context

    def _start(self, context: VideoCodecContext, wish: Wish) -> None:
        with heard() as sayings:
            try:
                context.open()
            except (av.FFmpegError, OverflowError) as error:
                raise self._refusal(wish, reason(sayings, error)) from error

    def _refusal(self, wish: Wish, why: str) -> EdgeError:
        video, target = wish.video, wish.target
        asked = f"{video.width}x{video.height} at {video.fps} frames/s, {target.max_bitrate_bps} bit/s"
        if self._library.machine:
            return EncoderFailed(f"{self._name}: no {self._library.machine} on this machine: {why} (asked for {asked})")
        return NotSupported(f"{self._name} refuses {asked}, speed {self._speed!r}: {why}")

    def _unit(self, packet: Packet[Any]) -> Encoded:
        """FFmpeg flags the pictures where a turn of intra-refresh begins as keyframes too."""
        body = bytes(packet)
        return Encoded(packet.pts or 0, packet.is_keyframe and shows_idr(self.codec, body), body)


def _check(video: VideoFormat, target: EncodeTarget) -> None:
    if not 0 < video.fps <= 240:
        raise NotSupported(f"{video.fps} frames/s is outside 0..240")
    if not 0 < target.bitrate_bps <= target.max_bitrate_bps:
        raise NotSupported(f"bitrate {target.bitrate_bps} bit/s is not within 1..{target.max_bitrate_bps}")
