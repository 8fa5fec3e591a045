"""What a picture is made of: raw formats, encoded formats, encode targets."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction


class Pixel(StrEnum):
    """Memory layouts of raw pictures, by FFmpeg's names."""

    YUV420P = "yuv420p"
    YUV422P = "yuv422p"
    YUV422P10 = "yuv422p10le"
    NV12 = "nv12"
    NV16 = "nv16"
    P010 = "p010le"
    UYVY422 = "uyvy422"
    YUYV422 = "yuyv422"
    RGB24 = "rgb24"
    BGR24 = "bgr24"

    @property
    def is_rgb(self) -> bool:
        return self in (Pixel.RGB24, Pixel.BGR24)

    @property
    def pixel_bytes(self) -> int:
        """What one pixel takes of the first plane, which holds luma or everything."""
        return _PIXEL_BYTES.get(self, 1)

    @property
    def interleaved(self) -> bool:
        """Whether Cb and Cr share the second plane by turns."""
        return self in (Pixel.NV12, Pixel.NV16, Pixel.P010)

    @property
    def chroma_in_every_row(self) -> bool:
        """4:2:2, against every second row in 4:2:0. Says nothing of RGB."""
        return self not in (Pixel.YUV420P, Pixel.NV12, Pixel.P010)


_PIXEL_BYTES = {
    Pixel.YUV422P10: 2,
    Pixel.P010: 2,
    Pixel.UYVY422: 2,
    Pixel.YUYV422: 2,
    Pixel.RGB24: 3,
    Pixel.BGR24: 3,
}


class Colorimetry(StrEnum):
    """Primaries, transfer and matrix taken together, as the source says.

    `sycc`: sRGB's primaries and transfer with the matrix of BT.601, as JPEG and webcams have them.
    """

    BT709 = "bt709"
    BT601 = "bt601"
    BT2020 = "bt2020"
    SYCC = "sycc"


class Range(StrEnum):
    LIMITED = "limited"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class VideoFormat:
    """A raw picture's shape and colour. `fps` is the nominal rate in frames per second."""

    width: int
    height: int
    fps: Fraction
    pixel: Pixel = Pixel.YUV420P
    colorimetry: Colorimetry = Colorimetry.BT709
    range: Range = Range.LIMITED

    @property
    def coded(self) -> VideoFormat:
        """What is encoded of it: yuv420p of the same colours, RGB as limited range.

        Pictures that are alike in this go through one encoder without a new epoch.
        """
        reach = Range.LIMITED if self.pixel.is_rgb else self.range
        if self.pixel is Pixel.YUV420P and reach is self.range:
            return self
        return replace(self, pixel=Pixel.YUV420P, range=reach)


class Codec(StrEnum):
    H264 = "h264"
    H265 = "h265"


class Refresh(StrEnum):
    """How a picture heals after a loss: by regular keyframes, or by a column of intra blocks that wanders.

    With `intra` only the first picture of an epoch and those asked for are keyframes.
    """

    KEYFRAMES = "keyframes"
    INTRA = "intra"


class Trait(StrEnum):
    """What an encoder can beyond the least that all can; a wish for what it cannot is not an error."""

    LIVE_BITRATE = "live_bitrate"
    INTRA_REFRESH = "intra_refresh"
    SLICES = "slices"


@dataclass(frozen=True, slots=True)
class EncodeTarget:
    """What a rung is asked for. `max_bitrate_bps` is the ceiling of live retargeting.

    `gop_s`: seconds between keyframes, or for one turn of intra-refresh. `vbv_frames`: how many frame intervals
    of the ceiling's line time one picture may take (CBR's buffer). `slices`: parts of a picture.
    """

    bitrate_bps: int
    max_bitrate_bps: int
    gop_s: float = 2.0
    refresh: Refresh = Refresh.KEYFRAMES
    vbv_frames: float = 3.0
    slices: int = 1


@dataclass(frozen=True, slots=True)
class Step:
    """How much less than the source a rung shows: both sides divided by `side`, one frame of `every`."""

    side: int = 1
    every: int = 1

    @property
    def whole(self) -> bool:
        return self == Step()

    def of(self, video: VideoFormat) -> VideoFormat:
        """What is encoded of that picture; sides stay even."""
        coded = video.coded
        if self.whole:
            return coded
        width, height = coded.width // self.side & ~1, coded.height // self.side & ~1
        return replace(coded, width=width, height=height, fps=coded.fps / self.every)


WHOLE = Step()


class Priority(StrEnum):
    """What is given up last when the bit rate does not suffice: smooth motion or fine detail."""

    MOTION = "motion"
    DETAIL = "detail"


@dataclass(frozen=True, slots=True)
class StreamFormat:
    """An encoded stream's shape: one object per epoch, shared by its access units."""

    rung: str
    epoch: int
    codec: Codec
    video: VideoFormat
