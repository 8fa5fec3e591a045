from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.model import annexb, sei
from edge.model.video import Codec

_H264 = b"\x00\x00\x00\x01\x67\x42\x00\x1f\x00\x00\x00\x01\x68\xce\x00\x00\x01\x65\x88\x84"
_H265 = b"\x00\x00\x00\x01\x40\x01\x0c\x00\x00\x00\x01\x42\x01\x01\x00\x00\x01\x26\x01\xaf"
_PLAIN = sei.TimeSei(utc_ns=1_767_225_600_123_456_789, seq=77, live=True, clock_synchronised=True, uncertainty_us=120)

times = st.builds(
    sei.TimeSei,
    utc_ns=st.integers(0, 2**64 - 1),
    seq=st.integers(0, 2**32 - 1),
    live=st.booleans(),
    clock_synchronised=st.booleans(),
    discontinuity=st.booleans(),
    uncertainty_us=st.none() | st.integers(0, 2**32 - 2),
)


def test_payload_has_the_bytes_of_the_contract() -> None:
    packed = sei.pack(_PLAIN)
    assert packed[:16].hex() == "6f1d3c5e8a424b7f9c1e5c0b7e0a91d4"
    assert packed[16] == 1
    assert packed[17] == 0b011
    assert int.from_bytes(packed[18:26], "big") == _PLAIN.utc_ns
    assert int.from_bytes(packed[26:30], "big") == 77
    assert int.from_bytes(packed[30:34], "big") == 120
    assert len(packed) == 34


def test_unknown_uncertainty_is_all_ones() -> None:
    packed = sei.pack(sei.TimeSei(utc_ns=0, seq=0, live=False, clock_synchronised=False))
    assert packed[-4:] == b"\xff\xff\xff\xff"
    assert packed[17] == 0


@given(times)
def test_what_is_inserted_is_found(time: sei.TimeSei) -> None:
    assert sei.find(Codec.H264, sei.insert(Codec.H264, _H264, time)) == time
    assert sei.find(Codec.H265, sei.insert(Codec.H265, _H265, time)) == time


@given(times)
def test_inserted_bytes_never_look_like_a_start_code(time: sei.TimeSei) -> None:
    with_sei = sei.insert(Codec.H264, _H264, time)
    assert len(list(annexb.nal_offsets(with_sei))) == len(list(annexb.nal_offsets(_H264))) + 1


def test_sei_stands_after_the_parameter_sets_and_before_the_slice() -> None:
    kinds = [
        annexb.nal_type(Codec.H264, b[0])
        for b in (sei.insert(Codec.H264, _H264, _PLAIN)[body:] for _, body in _offsets(_H264))
    ]
    assert kinds == [7, 8, 6, 5]


def _offsets(data: bytes) -> list[tuple[int, int]]:
    return list(annexb.nal_offsets(sei.insert(Codec.H264, data, _PLAIN)))


def test_other_sei_before_ours_is_passed_over() -> None:
    other = b"\x00\x00\x00\x01\x06\x05\x10" + b"x" * 16 + b"\x80"
    data = sei.insert(Codec.H264, _H264, _PLAIN)
    at = data.index(b"\x00\x00\x00\x01\x06")
    assert sei.find(Codec.H264, data[:at] + other + data[at:]) == _PLAIN


def test_unit_without_a_slice_is_left_as_it_is() -> None:
    assert sei.insert(Codec.H264, _H264[:14], _PLAIN) == _H264[:14]


@pytest.mark.parametrize(
    "data", [b"", b"\x00\x00\x01", _H264, b"\x00\x00\x01\x06\x05\xff", b"\x00\x00\x01\x06\x05\x22abc"]
)
def test_nothing_is_found_where_nothing_is(data: bytes) -> None:
    assert sei.find(Codec.H264, data) is None


@given(st.binary(max_size=200))
def test_hostile_bytes_never_raise(data: bytes) -> None:
    sei.find(Codec.H264, b"\x00\x00\x01\x06" + data)
    sei.find(Codec.H265, b"\x00\x00\x01\x4e" + data)


@given(st.binary(max_size=100))
def test_escape_and_unescape_are_each_others_reverse(rbsp: bytes) -> None:
    escaped = annexb.escape(rbsp + b"\x80")
    assert annexb.unescape(escaped) == rbsp + b"\x80"
    assert b"\x00\x00\x00" not in escaped
    assert b"\x00\x00\x01" not in escaped
