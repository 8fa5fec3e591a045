"""What a Python-made encoder node encodes with: libx264 or libx265, set up by what the driver's controls say."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import av
from av.video.frame import PictureType

from board.av.intake import FrameIntake
from edge.model.frame import Frame, Lease, Plane, Stamps
from edge.model.video import Codec, Colorimetry, Range, VideoFormat

_MICROSECONDS = Fraction(1, 1_000_000)
_MOST_BPS = 25_000_000
# Code points of ISO/IEC 23091-2 for primaries, transfer, matrix
_COLOUR = {
    Colorimetry.BT709: (1, 1, 1),
    Colorimetry.BT601: (6, 6, 6),
    Colorimetry.BT2020: (9, 14, 9),
    Colorimetry.SYCC: (1, 13, 6),
}
_X265 = {"x265-params": "scenecut=0:bframes=0:open-gop=0:repeat-headers=1:annexb=1:log-level=none"}
_RANGE = {Range.LIMITED: 1, Range.FULL: 2}


@dataclass(frozen=True, slots=True)
class Setting:
    """As the driver has it when the first picture comes. `gop` 0: only the first picture is a keyframe."""

    profile: str
    level: str
    bitrate_bps: int
    gop: int
    qp: tuple[int, int]
    says_colours: bool = True
    codec: Codec = Codec.H264


class Silicon:
    """One unit for each picture; parameter sets at every keyframe (a driver may take them away)."""

    def __init__(self, video: VideoFormat, setting: Setting) -> None:
        self._video = video
        self._intake = FrameIntake(video)
        context = av.CodecContext.create("libx264" if setting.codec is Codec.H264 else "libx265", "w")
        context.width, context.height, context.pix_fmt = video.width, video.height, self._intake.pix_fmt
        context.framerate, context.time_base = video.fps, _MICROSECONDS
        context.gop_size = setting.gop or 1 << 30
        context.max_b_frames, context.thread_count = 0, 1
        if setting.says_colours:
            context.color_primaries, context.color_trc, context.colorspace = _COLOUR[video.colorimetry]
            context.color_range = _RANGE[video.range]
        context.qmin, context.qmax = setting.qp[0], setting.qp[1] if setting.qp[1] < 51 else 69  # x264 drops more yet
        context.bit_rate = ceiling = max(setting.bitrate_bps, _MOST_BPS)
        common = {"preset": "ultrafast", "tune": "zerolatency", "forced-idr": "1"}
        context.options = common | (_x264(setting, ceiling) if setting.codec is Codec.H264 else _X265)
        context.open()
        self._context = context
        self.set_bitrate(setting.bitrate_bps)

    def set_bitrate(self, bps: int) -> None:
        self._context.bit_rate = bps

    def encode(self, planes: tuple[Plane, ...], stamp_us: int, *, force_key: bool) -> tuple[bytes, bool]:
        """(Annex B, whether it is a keyframe)."""
        stamps = Stamps(stamp_us * 1000)
        picture = self._intake.take(Frame(0, self._video, Lease(planes), stamps, 0))
        picture.pts, picture.time_base = stamp_us, _MICROSECONDS
        picture.pict_type = PictureType.I if force_key else PictureType.NONE
        (packet,) = self._context.encode(picture)
        return bytes(packet), packet.is_keyframe


def _x264(setting: Setting, ceiling: int) -> dict[str, str]:
    return {
        "profile": setting.profile,
        "level": setting.level,
        "maxrate": str(ceiling),
        "bufsize": str(round(ceiling / 25)),
        "x264-params": "scenecut=0:repeat-headers=1:annexb=1",
    }
