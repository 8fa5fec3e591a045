"""Real encoded access units for tests: x264 through PyAV, with the time SEI inside."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from fractions import Fraction

import av
import numpy as np

from edge.model import sei
from edge.model.frame import PTS_HZ, AccessUnit, Stamps
from edge.model.video import Codec, StreamFormat, VideoFormat

_ENCODERS = {Codec.H264: "libx264", Codec.H265: "libx265"}
_PARAMS = {
    Codec.H264: {"x264-params": "repeat-headers=1:annexb=1:scenecut=0:threads=1"},
    Codec.H265: {"x265-params": "repeat-headers=1:annexb=1:bframes=0:log-level=none:pools=1"},
}
UTC_NS = 1_763_868_000_000_000_000


def make_units(
    n: int,
    fps: int = 60,
    *,
    width: int = 320,
    height: int = 240,
    bitrate_bps: int = 2_000_000,
    gop: int = 30,
    codec: Codec = Codec.H264,
    epoch: int = 1,
    first_seq: int = 0,
    first_pts: int = 900_000,
) -> list[AccessUnit]:
    """`n` units of moving noise, a keyframe every `gop`, PTS from `first_pts` on; `utc_ns` follows PTS."""
    video = VideoFormat(width, height, Fraction(fps))
    shape = StreamFormat(rung="main", epoch=epoch, codec=codec, video=video)
    packets = _encode(n, video, codec, bitrate_bps, gop)
    return [_unit(shape, first_seq + i, first_pts + i * PTS_HZ // fps, *packet) for i, packet in enumerate(packets)]


def continued(units: list[AccessUnit], times: int) -> list[AccessUnit]:
    """The same pictures over and over with sequence and PTS that go on (the first is a keyframe)."""
    step = units[1].pts - units[0].pts
    result = []
    for index in range(len(units) * times):
        unit = units[index % len(units)]
        result.append(replace(unit, seq=units[0].seq + index, pts=units[0].pts + index * step))
    return result


def _encode(n: int, video: VideoFormat, codec: Codec, bitrate_bps: int, gop: int) -> Iterable[tuple[bytes, bool]]:
    context = av.CodecContext.create(_ENCODERS[codec], "w")
    context.width, context.height, context.pix_fmt = video.width, video.height, "yuv420p"
    context.framerate, context.time_base = video.fps, 1 / video.fps
    context.bit_rate, context.gop_size = bitrate_bps, gop
    context.options = {"preset": "ultrafast", "tune": "zerolatency", **_PARAMS[codec]}
    random = np.random.default_rng(1)
    packets = []
    for index in range(n):
        packets += context.encode(_picture(index, video, random))
    packets += context.encode(None)
    return [(bytes(packet), packet.is_keyframe) for packet in packets]


def _picture(index: int, video: VideoFormat, random: np.random.Generator) -> av.VideoFrame:
    planes = np.full((video.height * 3 // 2, video.width), 128, np.uint8)
    planes[: video.height] = random.integers(90, 150, (video.height, video.width), dtype=np.uint8)
    planes[: video.height, index * 8 % video.width :][:, :16] = 235
    frame = av.VideoFrame.from_ndarray(planes, "yuv420p")
    frame.pts, frame.time_base = index, 1 / video.fps
    return frame


def _unit(format: StreamFormat, seq: int, pts: int, data: bytes, key: bool) -> AccessUnit:
    utc_ns = UTC_NS + pts * 100_000 // 9
    time_sei = sei.TimeSei(utc_ns=utc_ns, seq=seq, live=True, clock_synchronised=True, uncertainty_us=50)
    captured_ns = pts * 100_000 // 9
    return AccessUnit(
        format=format,
        seq=seq,
        pts=pts,
        utc_ns=utc_ns,
        key=key,
        live=True,
        discontinuity=False,
        stamps=Stamps(captured_ns, captured_ns, captured_ns, captured_ns),
        data=sei.insert(format.codec, data, time_sei),
    )
