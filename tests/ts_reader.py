"""Reads MPEG-TS bytes for tests, apart from the code under test (ISO/IEC 13818-1, 2.4.3)."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass

import av
import numpy as np

from edge.model.video import Codec

VIDEO_PID = 0x100


@dataclass(frozen=True)
class TsPacket:
    """The fields of one packet that tests judge."""

    pid: int
    start: bool
    counter: int
    discontinuity: bool
    pcr: int | None
    payload: bytes


def ts_packets(ts: bytes) -> Iterator[TsPacket]:
    assert len(ts) % 188 == 0
    for at in range(0, len(ts), 188):
        p = ts[at : at + 188]
        assert p[0] == 0x47
        adaptation = p[4] if p[3] & 0x20 else -1
        flags = p[5] if adaptation > 0 else 0
        pcr = p[6] << 25 | p[7] << 17 | p[8] << 9 | p[9] << 1 | p[10] >> 7 if flags & 0x10 else None
        yield TsPacket(
            pid=(p[1] & 0x1F) << 8 | p[2],
            start=bool(p[1] & 0x40),
            counter=p[3] & 0xF,
            discontinuity=bool(flags & 0x80),
            pcr=pcr,
            payload=p[5 + adaptation :] if p[3] & 0x10 else b"",
        )


def video_of(ts: bytes) -> list[TsPacket]:
    return [packet for packet in ts_packets(ts) if packet.pid == VIDEO_PID]


def pes_of(ts: bytes) -> bytes:
    """The video's PES packets one after another, headers included."""
    return b"".join(packet.payload for packet in video_of(ts))


def pes_list(ts: bytes) -> list[bytes]:
    """Each PES packet, one per access unit."""
    parts: list[list[bytes]] = []
    for packet in video_of(ts):
        if packet.start:
            parts.append([])
        if parts:
            parts[-1].append(packet.payload)
    return [b"".join(part) for part in parts]


def unit_of_pes(pes: bytes) -> bytes:
    """The Annex B bytes of a PES packet."""
    return pes[9 + pes[8] :]


def pts_of_pes(pes: bytes) -> int:
    assert pes[:3] == b"\x00\x00\x01"
    assert pes[7] >> 6 == 2, "PTS alone: DTS is the same"
    b = pes[9:14]
    return (b[0] >> 1 & 7) << 30 | b[1] << 22 | (b[2] >> 1) << 15 | b[3] << 7 | b[4] >> 1


def decoded(ts: bytes) -> list[av.VideoFrame]:
    with av.open(io.BytesIO(ts), format="mpegts") as container:
        return list(container.decode(video=0))


def packet_times(ts: bytes) -> list[float]:
    """When each packet is due, at 90 kHz, unwrapped: a straight line through the PCRs around it."""
    packets = list(ts_packets(ts))
    clocks: list[tuple[int, int]] = []
    for index, packet in enumerate(packets):
        if packet.pcr is not None:
            last = clocks[-1][1] if clocks else packet.pcr
            clocks.append((index, last + (packet.pcr - last) % (1 << 33)))
    at = [index for index, _ in clocks]
    return [float(one) for one in np.interp(range(len(packets)), at, [pcr for _, pcr in clocks])]


def delimiters(ts: bytes, codec: Codec) -> int:
    """How many access units begin with a delimiter (H.264 type 9, H.265 type 35)."""
    begin = {Codec.H264: b"\x00\x00\x00\x01\x09", Codec.H265: b"\x00\x00\x00\x01\x46\x01"}[codec]
    return sum(unit_of_pes(pes).startswith(begin) for pes in pes_list(ts))
