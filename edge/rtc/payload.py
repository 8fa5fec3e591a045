"""H.264 access units as RTP payloads (RFC 6184, packetization-mode 1): STAP-A, FU-A, single NAL units."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence

from edge.model.annexb import nal_offsets
from edge.model.frame import AccessUnit

MAX_PAYLOAD = 1300  # with RTP, extensions, SRTP, UDP and IPv6 below 1420, WireGuard's MTU
_STAP_A, _FU_A = 24, 28
_FU_START, _FU_END = 0x80, 0x40
_NRI = 0x60
_SIZE = struct.Struct("!H")


def packetise(annexb: bytes, *, max_payload: int = MAX_PAYLOAD) -> list[bytes]:
    """The payloads of one access unit, in order; the last one's packet carries the marker bit."""
    payloads: list[bytes] = []
    waiting: list[bytes] = []
    room = max_payload - 1
    for nal in _nal_units(annexb):
        if waiting and len(nal) + _SIZE.size > room:
            payloads.append(_aggregate(waiting))
            waiting, room = [], max_payload - 1
        if len(nal) > max_payload:
            payloads.extend(_fragments(nal, max_payload))
        else:
            waiting.append(nal)
            room -= len(nal) + _SIZE.size
    if waiting:
        payloads.append(_aggregate(waiting))
    return payloads


class PayloadCache:
    """Packetises each access unit once, however many viewers ask for it. Event loop only."""

    def __init__(self, *, units: int = 4) -> None:
        self._recent: list[tuple[AccessUnit, Sequence[bytes]]] = []
        self._units = units
        self.packetised = 0

    def payloads(self, unit: AccessUnit) -> Sequence[bytes]:
        for known, payloads in reversed(self._recent):
            if known is unit:
                return payloads
        payloads = packetise(unit.data)
        self.packetised += 1
        self._recent = [*self._recent[1 - self._units :], (unit, payloads)]
        return payloads


def _nal_units(annexb: bytes) -> Iterator[bytes]:
    offsets = list(nal_offsets(annexb))
    for index, (_, body) in enumerate(offsets):
        end = offsets[index + 1][0] if index + 1 < len(offsets) else len(annexb)
        yield annexb[body:end]


def _aggregate(nals: Sequence[bytes]) -> bytes:
    """One NAL unit as it is, several as STAP-A with the highest importance of its parts (5.7.1)."""
    if len(nals) == 1:
        return nals[0]
    importance = max(nal[0] & _NRI for nal in nals)
    parts = [bytes((importance | _STAP_A,))]
    for nal in nals:
        parts += (_SIZE.pack(len(nal)), nal)
    return b"".join(parts)


def _fragments(nal: bytes, max_payload: int) -> Iterator[bytes]:
    """FU-A (5.8), the pieces as equal in size as can be."""
    indicator, kind = nal[0] & (0x80 | _NRI) | _FU_A, nal[0] & 0x1F
    size = len(nal) - 1
    count = -(-size // (max_payload - 2))
    for index in range(count):
        begin, end = 1 + size * index // count, 1 + size * (index + 1) // count
        flags = (index == 0) * _FU_START | (index == count - 1) * _FU_END
        yield bytes((indicator, flags | kind)) + nal[begin:end]
