from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from edge.model import sei
from edge.model.errors import Fault
from edge.model.frame import AccessUnit
from edge.model.video import Codec
from edge.sinks.mpegts import TsMuxer
from tests.media_units import make_units
from tests.ts_reader import VIDEO_PID, decoded, pes_of, pts_of_pes, ts_packets, unit_of_pes, video_of

_WRAP = 1 << 33
_PAT, _PMT = 0, 0x1000


def mux_all(units: list[AccessUnit]) -> list[bytes]:
    muxer = TsMuxer()
    parts = [muxer.mux(unit) for unit in units]
    muxer.close()
    return parts


@pytest.fixture(scope="module")
def units() -> list[AccessUnit]:
    return make_units(40, 60, gop=20)


def test_unit_is_complete_when_mux_returns(units: list[AccessUnit]) -> None:
    for unit, ts in zip(units, mux_all(units), strict=True):
        pes = pes_of(ts)
        assert pes.endswith(unit.data)
        assert sum(packet.start for packet in video_of(ts)) == 1


def test_pts_is_the_units_own(units: list[AccessUnit]) -> None:
    assert [pts_of_pes(pes_of(ts)) for ts in mux_all(units)] == [unit.pts for unit in units]


def test_every_unit_carries_a_pcr_a_picture_before_its_pts(units: list[AccessUnit]) -> None:
    for unit, ts in zip(units, mux_all(units), strict=True):
        assert [packet.pcr for packet in video_of(ts) if packet.pcr is not None] == [unit.pts - 1500]


def test_unit_tells_its_length_where_16_bits_hold_it(units: list[AccessUnit]) -> None:
    large = replace(units[0], data=units[0].data + b"\x00\x00\x01\x0c" + b"\xff" * 65_536)
    for unit in (*units, large):
        pes = pes_of(TsMuxer().mux(unit))
        told = int.from_bytes(pes[4:6])
        assert told == (0 if len(pes) - 6 > 0xFFFF else len(pes) - 6)


def test_tables_come_before_every_keyframe(units: list[AccessUnit]) -> None:
    for unit, ts in zip(units, mux_all(units), strict=True):
        pids = [packet.pid for packet in ts_packets(ts)]
        if unit.key:
            assert pids.index(_PAT) < pids.index(_PMT) < pids.index(VIDEO_PID)


def test_continuity_counters_never_skip(units: list[AccessUnit]) -> None:
    counters = [packet.counter for packet in video_of(b"".join(mux_all(units)))]
    assert all((a + 1) % 16 == b for a, b in itertools.pairwise(counters))


def test_delimiter_opens_every_unit(units: list[AccessUnit]) -> None:
    for ts in mux_all(units):
        pes = pes_of(ts)
        assert unit_of_pes(pes).startswith(b"\x00\x00\x00\x01\x09")


def test_time_sei_survives(units: list[AccessUnit]) -> None:
    for unit, ts in zip(units, mux_all(units), strict=True):
        pes = pes_of(ts)
        found = sei.find(Codec.H264, unit_of_pes(pes))
        assert found is not None
        assert (found.seq, found.utc_ns) == (unit.seq, unit.utc_ns)


def test_pts_wraps_at_33_bits() -> None:
    units = make_units(30, 60, gop=10, first_pts=_WRAP - 15 * 1500)
    parts = mux_all(units)
    assert [pts_of_pes(pes_of(ts)) for ts in parts] == [unit.pts % _WRAP for unit in units]
    assert [packet.pcr for ts in parts for packet in video_of(ts) if packet.pcr is not None][-1] < _WRAP // 2
    assert len(decoded(b"".join(parts))) == 30


def test_months_of_uptime_fit() -> None:
    units = make_units(3, 60, first_pts=200 * 86_400 * 90_000)
    assert [pts_of_pes(pes_of(ts)) for ts in mux_all(units)] == [unit.pts % _WRAP for unit in units]


def test_whole_stream_decodes(units: list[AccessUnit]) -> None:
    assert len(decoded(b"".join(mux_all(units)))) == len(units)


def test_h265_is_muxed_too() -> None:
    units = make_units(10, 60, gop=5, codec=Codec.H265)
    parts = mux_all(units)
    assert len(decoded(b"".join(parts))) == 10
    assert all(pes_of(ts).endswith(unit.data) for unit, ts in zip(units, parts, strict=True))


def test_new_epoch_of_the_same_codec_goes_on_without_a_cut(units: list[AccessUnit]) -> None:
    last = units[-1].pts
    after = make_units(10, 60, width=640, height=480, epoch=2, first_seq=40, first_pts=last + 1500)
    ts = mux_all(units + after)
    packets = video_of(b"".join(ts))
    assert not any(packet.discontinuity for packet in packets[1:])
    assert all((a.counter + 1) % 16 == b.counter for a, b in itertools.pairwise(packets))
    sizes = [(frame.width, frame.height) for frame in decoded(b"".join(ts))]
    assert sizes == [(320, 240)] * 40 + [(640, 480)] * 10


def test_new_codec_begins_with_the_discontinuity_indicator(units: list[AccessUnit]) -> None:
    after = make_units(2, 60, codec=Codec.H265, epoch=2, first_pts=units[-1].pts + 1500)
    muxer = TsMuxer()
    for unit in units:
        muxer.mux(unit)
    assert video_of(muxer.mux(after[0]))[0].discontinuity


def test_tables_of_another_codec_have_another_version(units: list[AccessUnit]) -> None:
    """A receiver that has read a version reads it no more."""
    after = make_units(1, 60, codec=Codec.H265, epoch=2, first_pts=units[-1].pts + 1500)
    muxer = TsMuxer()
    sections = [
        packet.payload[1:]
        for ts in map(muxer.mux, (units[0], after[0]))
        for packet in ts_packets(ts)
        if packet.pid == _PMT
    ]
    versions = [section[5] >> 1 & 0x1F for section in sections]
    assert versions == [0, 1]


def test_pts_that_goes_back_begins_with_the_discontinuity_indicator(units: list[AccessUnit]) -> None:
    muxer = TsMuxer()
    for unit in units[:21]:
        muxer.mux(unit)
    again = muxer.mux(units[0])
    assert video_of(again)[0].discontinuity
    assert pts_of_pes(pes_of(again)) == units[0].pts


def test_every_pid_of_the_first_unit_has_the_discontinuity_indicator(units: list[AccessUnit]) -> None:
    """Whoever passes the stream on may have sent another before."""
    packets = list(ts_packets(TsMuxer().mux(units[0])))
    for pid in (_PAT, _PMT, VIDEO_PID):
        assert next(packet for packet in packets if packet.pid == pid).discontinuity, hex(pid)
    assert sum(packet.discontinuity for packet in packets if packet.pid == VIDEO_PID) == 1


def test_unit_that_is_not_annex_b_is_named(units: list[AccessUnit]) -> None:
    with pytest.raises(Fault, match="access unit 7 is not an Annex B byte stream"):
        TsMuxer().mux(replace(units[0], seq=7, data=b"no start code here"))


def test_muxer_serves_again_after_a_bad_unit(units: list[AccessUnit]) -> None:
    muxer = TsMuxer()
    with pytest.raises(Fault):
        muxer.mux(replace(units[0], data=b"no start code here"))
    assert pes_of(muxer.mux(units[1])).endswith(units[1].data)


def test_close_twice_is_harmless(units: list[AccessUnit]) -> None:
    muxer = TsMuxer()
    muxer.mux(units[0])
    muxer.close()
    muxer.close()
    assert pes_of(muxer.mux(units[0])).endswith(units[0].data)
