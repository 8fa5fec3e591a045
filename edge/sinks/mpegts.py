"""Access units as MPEG-TS (ISO/IEC 13818-1), in memory, without a unit of delay."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import av
from av.error import FFmpegError

from edge.model.errors import Fault
from edge.model.frame import PTS_HZ, AccessUnit
from edge.model.video import Codec, StreamFormat
from edge.sinks.mpegts_pcr import with_clock

VIDEO_PID = 0x100
_TIME_BASE = Fraction(1, PTS_HZ)
_NAMES = {Codec.H264: "h264", Codec.H265: "hevc"}
_SERVICE_TYPES = {Codec.H264: "advanced_codec_digital_hdtv", Codec.H265: "hevc_digital_hdtv"}  # ETSI EN 300 468
_TABLES_VERSIONS = {Codec.H264: "0", Codec.H265: "1"}  # a receiver does not read a version that it has read
_TABLES_S = Fraction(1, 10)
_OPTIONS = {
    "flush_packets": "1",
    "mpegts_copyts": "1",  # PTS stays captured time; FFmpeg masks it to 33 bits
    "mpegts_start_pid": hex(VIDEO_PID),
    "mpegts_flags": "initial_discontinuity",
    "omit_video_pes_length": "0",  # a receiver knows that a unit is whole without the beginning of the next
    "pcr_period": "1",  # ms: every unit carries a PCR
}


class _Taken:
    """A file to FFmpeg that keeps what is written until it is taken."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, part: bytes) -> int:
        self._parts.append(bytes(part))
        return len(part)

    def take(self) -> bytes:
        ts = b"".join(self._parts)
        self._parts.clear()
        return ts


class TsMuxer:
    """One program, video on PID 0x100. One thread.

    PTS = DTS = the unit's `pts` modulo 2**33; PAT and PMT before every keyframe and every 100 ms; an access unit
    delimiter where the unit has none. A PCR with every unit, a picture's time before its PTS, since its bytes must
    be there when they are due, and one at least every 40 ms (ETSI TR 101 290). The first unit, a new codec and a
    `pts` that does not advance begin with the discontinuity indicator set; a new epoch of the same codec goes on in
    the same stream (its parameter sets are in band).
    """

    def __init__(self) -> None:
        self._codec: Codec | None = None
        self._last_pts = 0
        self._picture_pts = 0
        self._taken = _Taken()
        self._container: Any = None
        self._stream: Any = None

    def mux(self, unit: AccessUnit) -> bytes:
        """All TS packets of that unit, whole. Raises Fault when it is not Annex B."""
        if unit.format.codec is not self._codec or unit.pts <= self._last_pts:
            self._begin(unit.format)
        packet = av.Packet(unit.data)
        packet.pts = packet.dts = self._last_pts = unit.pts
        packet.time_base = _TIME_BASE
        packet.is_keyframe = unit.key
        packet.stream = self._stream
        try:
            self._container.mux_one(packet)
        except FFmpegError as error:
            raise Fault(f"access unit {unit.seq} is not an Annex B byte stream: {error}") from error
        return with_clock(self._taken.take(), VIDEO_PID, self._picture_pts)

    def close(self) -> None:
        """Harmless when closed already."""
        if self._container is not None:
            self._container.close()
            self._container = None
        self._codec = None
        self._taken.take()

    def _begin(self, format: StreamFormat) -> None:
        self.close()
        self._codec, video = format.codec, format.video
        self._picture_pts = round(PTS_HZ / video.fps)
        options = _OPTIONS | {
            "max_delay": str(round(1_000_000 / video.fps)),  # microseconds from PCR to PTS
            "pat_period": f"{max(0.0, float(_TABLES_S - Fraction(3, 2) / video.fps)):.3f}",  # looked at once a unit
            "mpegts_service_type": _SERVICE_TYPES[self._codec],
            "tables_version": _TABLES_VERSIONS[self._codec],
        }
        self._container = av.open(self._taken, "w", format="mpegts", options=options)
        self._container.metadata.update(service_provider="Scopecast", service_name=format.rung)
        self._stream = self._container.add_mux_stream(_NAMES[self._codec], width=video.width, height=video.height)
        self._stream.time_base = _TIME_BASE
