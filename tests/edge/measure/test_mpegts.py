"""TsUnits against FFmpeg's muxer: whole units, and when their last byte came."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge.measure.mpegts import TS_BYTES, TsUnits
from edge.measure.unit import ReceivedUnit
from edge.model import sei
from edge.model.video import Codec
from tests.edge.measure import bench


def demuxed(stream: bytes, chunk: int) -> list[ReceivedUnit]:
    demuxer = TsUnits()
    found: list[ReceivedUnit] = []
    for at in range(0, len(stream), chunk):
        found += demuxer.feed(stream[at : at + chunk], arrived_ns=at + len(stream[at : at + chunk]))
    return [*found, *demuxer.flush()]


@pytest.fixture(scope="module")
def made() -> list[bench.Made]:
    return bench.units(12)


@pytest.fixture(scope="module")
def stream(made: list[bench.Made]) -> bytes:
    return bench.muxed(made)


@pytest.mark.parametrize("chunk", [1, 7, 188, 1316, 10**6])
def test_units_come_out_whole_whatever_the_size_of_chunks(made: list[bench.Made], stream: bytes, chunk: int) -> None:
    found = demuxed(stream, chunk)
    assert len(found) == len(made)
    assert [sei.find(unit.codec, unit.data) for unit in found] == [unit.sei for unit in made]
    assert [unit.key for unit in found] == [unit.key for unit in made]
    assert all(unit.data.endswith(before.data[-32:]) for unit, before in zip(found, made, strict=True))


def test_h265_is_recognised() -> None:
    made = bench.units(3, codec=Codec.H265)
    found = demuxed(bench.muxed(made, codec=Codec.H265), 1316)
    assert [unit.codec for unit in found] == [Codec.H265] * 3
    assert [unit.key for unit in found] == [True, False, False]


def test_arrival_is_that_of_the_last_packet_of_the_unit(stream: bytes) -> None:
    """Not that of the next unit's first packet, which is what makes the end known."""
    for unit in demuxed(stream, TS_BYTES):
        last_packet = stream[unit.arrived_ns - TS_BYTES : unit.arrived_ns]
        assert unit.data.endswith(last_packet[-8:])


def test_bytes_that_are_not_mpegts_are_skipped(made: list[bench.Made], stream: bytes) -> None:
    assert len(demuxed(b"\x00garbage" + stream, 1316)) == len(made)


def test_stream_that_begins_in_the_middle_of_a_unit_loses_that_unit_only(made: list[bench.Made]) -> None:
    stream = bench.muxed(made)
    tables, rest = stream[: 3 * TS_BYTES], stream[3 * TS_BYTES :]
    found = demuxed(tables + rest[4 * TS_BYTES :], 1316)
    assert found[-1].data[-32:] == made[-1].data[-32:]
    assert len(found) in (len(made) - 1, len(made))


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=188), st.integers(0, 3000))
def test_hostile_packets_never_raise(stream: bytes, noise: bytes, at: int) -> None:
    packet = (b"G" + noise).ljust(TS_BYTES, b"\xff")[:TS_BYTES]
    demuxed(stream[:at] + packet * 3 + stream[at:5000], 1316)
