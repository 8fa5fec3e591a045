"""Capture time as `user_data_unregistered` SEI in every access unit.

Source: docs/contracts/timing.md; SEI syntax H.264 7.3.2.3.1, D.1.6 and H.265 7.3.2.4.
"""

from __future__ import annotations

import struct
import uuid
from dataclasses import dataclass

from edge.model.annexb import START_CODE, escape, first_slice_offset, sei_bodies, unescape
from edge.model.video import Codec

TIME_SEI_UUID = uuid.UUID("6f1d3c5e-8a42-4b7f-9c1e-5c0b7e0a91d4").bytes
UNKNOWN_UNCERTAINTY = 0xFFFFFFFF
_VERSION = 1
_USER_DATA_UNREGISTERED = 5
_LIVE, _SYNCED, _DISCONTINUITY = 1, 2, 4
_BODY = struct.Struct("!BBQII")
_PAYLOAD_BYTES = 16 + _BODY.size
_HEADERS = {Codec.H264: b"\x06", Codec.H265: b"\x4e\x01"}


@dataclass(frozen=True, slots=True)
class TimeSei:
    """What the SEI says. `uncertainty_us` is None when unknown."""

    utc_ns: int
    seq: int
    live: bool
    clock_synchronised: bool
    discontinuity: bool = False
    uncertainty_us: int | None = None


def pack(sei: TimeSei) -> bytes:
    """UUID and payload, before emulation prevention."""
    flags = sei.live * _LIVE | sei.clock_synchronised * _SYNCED | sei.discontinuity * _DISCONTINUITY
    unsure = UNKNOWN_UNCERTAINTY if sei.uncertainty_us is None else min(sei.uncertainty_us, UNKNOWN_UNCERTAINTY - 1)
    return TIME_SEI_UUID + _BODY.pack(_VERSION, flags, sei.utc_ns, sei.seq & 0xFFFFFFFF, unsure)


def unpack(payload: bytes) -> TimeSei | None:
    """The reverse of `pack`; None when it is another UUID, version or too short."""
    if len(payload) < _PAYLOAD_BYTES or payload[:16] != TIME_SEI_UUID:
        return None
    version, flags, utc_ns, seq, unsure = _BODY.unpack_from(payload, 16)
    if version != _VERSION:
        return None
    return TimeSei(
        utc_ns=utc_ns,
        seq=seq,
        live=bool(flags & _LIVE),
        clock_synchronised=bool(flags & _SYNCED),
        discontinuity=bool(flags & _DISCONTINUITY),
        uncertainty_us=None if unsure == UNKNOWN_UNCERTAINTY else unsure,
    )


def insert(codec: Codec, data: bytes, sei: TimeSei) -> bytes:
    """The access unit with the time SEI placed before its first slice."""
    at = first_slice_offset(codec, data)
    if at is None:
        return data
    rbsp = bytes((_USER_DATA_UNREGISTERED, _PAYLOAD_BYTES)) + pack(sei) + b"\x80"
    return b"".join((data[:at], START_CODE, _HEADERS[codec], escape(rbsp), data[at:]))


def find(codec: Codec, data: bytes) -> TimeSei | None:
    """The time SEI of an access unit, None when it carries none."""
    for nal in sei_bodies(codec, data):
        for kind, payload in _messages(unescape(nal[len(_HEADERS[codec]) :])):
            if kind == _USER_DATA_UNREGISTERED and (found := unpack(payload)) is not None:
                return found
    return None


def _messages(rbsp: bytes) -> list[tuple[int, bytes]]:
    messages: list[tuple[int, bytes]] = []
    at = 0
    while at + 2 <= len(rbsp) and rbsp[at] != 0x80:
        kind, at = _ff_coded(rbsp, at)
        size, at = _ff_coded(rbsp, at)
        messages.append((kind, rbsp[at : at + size]))
        at += size
    return messages


def _ff_coded(rbsp: bytes, at: int) -> tuple[int, int]:
    value = 0
    while at < len(rbsp) and rbsp[at] == 0xFF:
        value += 255
        at += 1
    return (value + rbsp[at], at + 1) if at < len(rbsp) else (value, at)
