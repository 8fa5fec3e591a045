"""What our one encoder of `board/av` must know of each encoder in FFmpeg: values and pure functions, no library."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from edge.model.video import Codec, EncodeTarget, Pixel, Trait, VideoFormat

AUTO = "auto"


@dataclass(frozen=True, slots=True)
class Wish:
    """What an encoder is opened for. `speed` is an x264 or x265 preset or AUTO; hardware has one speed. `threads` 0
    chooses."""

    video: VideoFormat
    target: EncodeTarget
    speed: str
    threads: int = 0

    @property
    def pixels_per_s(self) -> Fraction:
        return self.video.width * self.video.height * self.video.fps

    @property
    def gop_frames(self) -> int:
        return max(1, round(self.target.gop_s * self.video.fps))

    @property
    def buffer_bits(self) -> int:
        """CBR's buffer (VBV): at least one frame interval of the ceiling."""
        return round(self.target.max_bitrate_bps * max(1.0, self.target.vbv_frames) / self.video.fps)


@dataclass(frozen=True, slots=True)
class Library:
    """One encoder of FFmpeg and how an EncodeTarget is said to it.

    `ffmpeg`: its name there. `machine`: what must be in the box, for the sentence that says it is not; empty for
    software. `pixel`: the layout it is given. `opening_bps` is the bitrate that it is opened with, `options` its
    private options, `threads` the codec context's thread count. `trimmed`: its rate is kept by a `RateTrim`.
    """

    ffmpeg: str
    codec: Codec
    options: Callable[[Wish], Mapping[str, str]]
    opening_bps: Callable[[Wish], int]
    threads: Callable[[Wish], int]
    traits: frozenset[Trait] = frozenset()
    machine: str = ""
    pixel: Pixel = Pixel.YUV420P
    trimmed: bool = False

    @property
    def hardware(self) -> bool:
        return bool(self.machine)


def wanted_bps(wish: Wish) -> int:
    return wish.target.bitrate_bps


def one_thread(_: Wish) -> int:
    return 1
