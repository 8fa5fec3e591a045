from __future__ import annotations

import itertools

import pytest

from edge.sinks.mpegts_pcr import with_clock
from tests.ts_reader import ts_packets

_PID = 0x100
_WRAP = 1 << 33


def unit(packets: int, *, pcr: int = 900_000, tables: int = 2, counter: int = 7) -> bytes:
    """Tables, then video packets of which the first has a PCR."""
    ts = b"".join(bytes([0x47, 0, 0, 0x10 | n]).ljust(188, b"\x00") for n in range(tables))
    clock = (pcr << 15 | 0x7E00).to_bytes(6)
    for n in range(packets):
        control = 0x30 if n == 0 else 0x10
        adaptation = bytes([7, 0x10]) + clock if n == 0 else b""
        ts += (bytes([0x47, 0x01, 0x00, control | (counter + n) & 0xF]) + adaptation).ljust(188, b"v")
    return ts


@pytest.mark.parametrize(
    ("fps", "more"), [(60, 0), (50, 0), (30, 0), (29, 0), (25, 1), (24, 1), (15, 1), (10, 2), (5, 5)]
)
def test_pictures_of_up_to_35_ms_need_no_more_clock(fps: int, more: int) -> None:
    ts = with_clock(unit(40), _PID, 90_000 // fps)
    assert len(ts) // 188 == 42 + more


def test_clock_alone_stands_evenly_in_bytes_and_in_time() -> None:
    packets = list(ts_packets(with_clock(unit(30), _PID, 9000)))
    found = [(index, packet.pcr) for index, packet in enumerate(packets) if packet.pcr is not None]
    assert found == [(2, 900_000), (12, 903_000), (23, 906_000)]


def test_clock_alone_has_no_payload_and_the_counter_of_the_packet_before() -> None:
    packets = [packet for packet in ts_packets(with_clock(unit(30), _PID, 9000)) if packet.pid == _PID]
    for before, packet in itertools.pairwise(packets):
        alone = packet.pcr is not None
        assert packet.counter == (before.counter + (not alone)) % 16
        assert (packet.payload == b"") == alone


def test_payload_is_what_it_was() -> None:
    plain = unit(30)
    clocked = with_clock(plain, _PID, 9000)
    assert b"".join(p.payload for p in ts_packets(clocked)) == b"".join(p.payload for p in ts_packets(plain))


def test_clock_wraps_at_33_bits() -> None:
    pcrs = [packet.pcr for packet in ts_packets(with_clock(unit(30, pcr=_WRAP - 1000), _PID, 9000))]
    assert [pcr for pcr in pcrs if pcr is not None] == [_WRAP - 1000, 2000, 5000]


def test_unit_of_one_packet_gets_its_clock_after_it() -> None:
    packets = list(ts_packets(with_clock(unit(1), _PID, 9000)))
    assert [packet.pcr for packet in packets if packet.pid == _PID] == [900_000, 903_000, 906_000]
