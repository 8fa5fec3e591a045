from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from aiortc.codecs.h264 import h264_depayload
from hypothesis import given
from hypothesis import strategies as st

from edge.model.frame import AccessUnit
from edge.model.sei import find
from edge.model.video import Codec
from edge.rtc.payload import MAX_PAYLOAD, PayloadCache, packetise

START = b"\x00\x00\x00\x01"
NALS = st.lists(
    st.tuples(st.sampled_from([0x67, 0x68, 0x06, 0x65, 0x41]), st.integers(1, 5000)), min_size=1, max_size=6
)


def stream(nals: Sequence[bytes]) -> bytes:
    return b"".join(START + nal for nal in nals)


@given(NALS)
def test_a_receiver_gets_back_every_nal_unit(shape: list[tuple[int, int]]) -> None:
    nals = [bytes((head,)) + bytes(0x80 | index & 0x7F for index in range(size)) for head, size in shape]
    payloads = packetise(stream(nals))
    assert b"".join(h264_depayload(payload) for payload in payloads) == stream(nals)
    assert max(map(len, payloads)) <= MAX_PAYLOAD


def test_parameter_sets_and_sei_share_a_packet() -> None:
    payloads = packetise(stream([b"\x67sps", b"\x68pps", b"\x06sei", b"\x65" + b"x" * 3000]))
    assert payloads[0][0] == 0x60 | 24
    assert len(payloads) == 4


def test_a_large_nal_unit_is_fragmented_with_start_and_end_marked() -> None:
    payloads = packetise(stream([b"\x65" + b"x" * 3000]))
    assert [payload[0] & 0x1F for payload in payloads] == [28, 28, 28]
    assert [payload[1] & 0xC0 for payload in payloads] == [0x80, 0, 0x40]
    assert {payload[1] & 0x1F for payload in payloads} == {5}


def test_fragments_are_of_nearly_equal_size() -> None:
    sizes = [len(payload) for payload in packetise(stream([b"\x65" + b"x" * 2610]))]
    assert max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize("annexb", [b"", b"no start code at all", START])
def test_what_holds_no_nal_unit_makes_no_packet(annexb: bytes) -> None:
    assert packetise(annexb) == []


def test_time_sei_of_real_pictures_survives(pictures: Sequence[tuple[bool, bytes]]) -> None:
    for index, (_, annexb) in enumerate(pictures):
        received = b"".join(h264_depayload(payload) for payload in packetise(annexb))
        sei = find(Codec.H264, received)
        assert sei is not None
        assert sei.seq == index


def test_a_unit_is_packetised_once_for_all_viewers(make_unit: Callable[..., AccessUnit]) -> None:
    cache = PayloadCache()
    unit = make_unit(1, key=True)
    assert cache.payloads(unit) is cache.payloads(unit)
    assert cache.packetised == 1


def test_equal_units_are_not_mixed_up_and_memory_is_bounded(make_unit: Callable[..., AccessUnit]) -> None:
    cache = PayloadCache(units=2)
    units = [make_unit(seq, payload=bytes((65 + seq,)) * 8) for seq in range(5)]
    for unit in units:
        assert cache.payloads(unit) == packetise(unit.data)
    cache.payloads(units[0])
    assert cache.packetised == 6
