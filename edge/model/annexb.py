"""NAL units in an Annex B byte stream (ITU-T H.264 and H.265, Annex B)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from edge.model.video import Codec

_START = re.compile(rb"\x00\x00\x01")
START_CODE = b"\x00\x00\x00\x01"
_SPS_H264, _VPS_H265 = 7, 32


def nal_type(codec: Codec, first_byte: int) -> int:
    """nal_unit_type from a NAL unit's first byte (H.264 7.3.1; H.265 7.3.1.2)."""
    return first_byte & 0x1F if codec is Codec.H264 else first_byte >> 1 & 0x3F


def is_slice(codec: Codec, kind: int) -> bool:
    """Whether that nal_unit_type holds coded picture data (VCL)."""
    return 1 <= kind <= 5 if codec is Codec.H264 else kind <= 31


def is_idr(codec: Codec, kind: int) -> bool:
    """Whether that nal_unit_type is of an IDR picture, where decoding can begin with nothing left over."""
    return kind == 5 if codec is Codec.H264 else kind in (19, 20)


def is_sei(codec: Codec, kind: int) -> bool:
    return kind == 6 if codec is Codec.H264 else kind in (39, 40)


def nal_offsets(data: bytes) -> Iterator[tuple[int, int]]:
    """(position of the start code, position of the NAL unit's first byte) for each NAL unit."""
    for match in _START.finditer(data):
        begin = match.start()
        if begin > 0 and data[begin - 1] == 0:
            begin -= 1
        if match.end() < len(data):
            yield begin, match.end()


def first_slice_offset(codec: Codec, data: bytes) -> int | None:
    """Where the start code of the first coded slice stands; None when there is none."""
    for begin, body in nal_offsets(data):
        if is_slice(codec, nal_type(codec, data[body])):
            return begin
    return None


def shows_idr(codec: Codec, data: bytes) -> bool:
    """Whether the picture in these NAL units is an IDR, by its first slice."""
    kinds = (nal_type(codec, data[body]) for _, body in nal_offsets(data))
    return is_idr(codec, next((kind for kind in kinds if is_slice(codec, kind)), -1))


def from_last_sets(codec: Codec, data: bytes) -> bytes:
    """The access unit without what stands ahead of its last run of parameter sets; as it is when it has none."""
    first = _SPS_H264 if codec is Codec.H264 else _VPS_H265
    return data[max((begin for begin, body in nal_offsets(data) if nal_type(codec, data[body]) == first), default=0) :]


def sei_bodies(codec: Codec, data: bytes) -> Iterator[bytes]:
    """The raw SEI NAL units (with their headers) that stand before the first slice."""
    units = list(nal_offsets(data))
    for index, (_, body) in enumerate(units):
        kind = nal_type(codec, data[body])
        if is_slice(codec, kind):
            return
        if is_sei(codec, kind):
            end = units[index + 1][0] if index + 1 < len(units) else len(data)
            yield data[body:end]


def escape(rbsp: bytes) -> bytes:
    """Emulation prevention (H.264 7.4.1): no 000000..000003 inside a NAL unit."""
    return re.sub(rb"\x00\x00(?=[\x00-\x03])", b"\x00\x00\x03", rbsp)


def unescape(payload: bytes) -> bytes:
    return payload.replace(b"\x00\x00\x03", b"\x00\x00")
