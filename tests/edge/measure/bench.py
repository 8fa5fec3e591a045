"""A generator of its own: H.264 with the time SEI and the time strip, as Annex B, MPEG-TS or MP4."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import av.logging
import numpy as np

from edge.model import sei, strip
from edge.model.sei import TimeSei
from edge.model.video import Codec

START_UTC_NS = 1_767_225_600_123_456_000


class HandClock:
    """Monotonic and UTC time stand still until the test moves them."""

    def __init__(self) -> None:
        self.now_ns = 5_000_000_000
        self.offset_ns = START_UTC_NS - self.now_ns

    def mono_ns(self) -> int:
        return self.now_ns

    def utc_ns(self, mono_ns: int | None = None) -> int:
        return (self.now_ns if mono_ns is None else mono_ns) + self.offset_ns

    def synchronised(self) -> bool:
        return True

    def uncertainty_us(self) -> int | None:
        return 250


def picture(width: int, height: int, utc_us: int | None, *, shade: int = 60) -> av.VideoFrame:
    """yuv420p with a plain field, and the strip of `utc_us` when given."""
    luma = np.full((height, width), shade, np.uint8)
    side = strip.cell_px(width)
    if utc_us is not None and side:
        bits = np.unpackbits(np.frombuffer(strip.strip_word(utc_us), np.uint8))
        row = np.where(np.repeat(bits, side), strip.LUMA_ONE, strip.LUMA_ZERO)
        luma[:side, : row.size] = row
    chroma = np.full((height // 2, width), strip.NEUTRAL_CHROMA, np.uint8)
    planes = np.concatenate((luma.ravel(), chroma.ravel())).reshape(height * 3 // 2, width)
    return av.VideoFrame.from_ndarray(planes, format="yuv420p")


@dataclass(frozen=True)
class Made:
    """One generated access unit and what it carries."""

    data: bytes
    key: bool
    sei: TimeSei | None


def units(
    count: int,
    *,
    width: int = 640,
    height: int = 360,
    with_sei: bool = True,
    with_strip: bool = True,
    codec: Codec = Codec.H264,
    times_ns: Sequence[int] = (),
    not_live: frozenset[int] = frozenset(),
    gop: int = 10,
) -> list[Made]:
    """Pictures 20 ms apart from START_UTC_NS, or captured at `times_ns`."""
    encoder = av.CodecContext.create("libx264" if codec is Codec.H264 else "libx265", "w")
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
    encoder.time_base, encoder.framerate, encoder.gop_size = Fraction(1, 50), Fraction(50), gop
    encoder.options = {"preset": "ultrafast", "tune": "zerolatency", "x265-params": "repeat-headers=1"}
    made: list[Made] = []
    for index in range(count):
        utc_ns = times_ns[index] if times_ns else START_UTC_NS + index * 20_000_000
        frame = picture(width, height, utc_ns // 1000 if with_strip else None, shade=40 + index % 100)
        frame.pts = index
        stamp = TimeSei(utc_ns, index, index not in not_live, True, uncertainty_us=1500) if with_sei else None
        for packet in encoder.encode(frame):
            data = sei.insert(codec, bytes(packet), stamp) if stamp else bytes(packet)
            made.append(Made(data, packet.is_keyframe, stamp))
    return made


def muxed(made: Sequence[Made], *, format: str = "mpegts", codec: Codec = Codec.H264) -> bytes:
    """The units in a container, by FFmpeg's muxer."""
    file = io.BytesIO()
    with av.open(file, "w", format=format) as container:
        stream = container.add_stream("libx264" if codec is Codec.H264 else "libx265", rate=50)
        stream.width, stream.height, stream.pix_fmt = 640, 360, "yuv420p"
        for index, unit in enumerate(made):
            packet = av.Packet(unit.data)
            packet.pts = packet.dts = index
            packet.time_base = Fraction(1, 50)
            packet.is_keyframe = unit.key
            packet.stream = stream
            container.mux(packet)
    return file.getvalue()


def write_ts(path: Path, made: Sequence[Made]) -> Path:
    path.write_bytes(muxed(made))
    return path
