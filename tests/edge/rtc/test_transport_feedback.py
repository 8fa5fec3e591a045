from __future__ import annotations

import random
import struct

import pytest
from aiortc.rtp import RtcpPsfbPacket, RtcpRrPacket
from hypothesis import given
from hypothesis import strategies as st

from edge.model.errors import Invalid
from edge.rtc.transport_feedback import TransportFeedback, parse_feedback, split_feedback


def packed(body: bytes, *, base: int = 100, count: int = 0, reference: int = 7, number: int = 3, pad: int = 0) -> bytes:
    content = struct.pack("!IIHHI", 1, 2, base, count, reference << 8 | number) + body
    padding = bytes(pad - 1) + bytes((pad,)) if pad else bytes(-len(content) % 4)
    content += padding
    flags = 0x80 | (0x20 if pad else 0) | 15
    return struct.pack("!BBH", flags, 205, len(content) // 4) + content


def run(symbol: int, length: int) -> bytes:
    return (symbol << 13 | length).to_bytes(2, "big")


def ones(bits: str) -> bytes:
    return (0x8000 | int(bits.ljust(14, "0"), 2)).to_bytes(2, "big")


def twos(*symbols: int) -> bytes:
    chunk = 0xC000
    for index, symbol in enumerate(symbols):
        chunk |= symbol << 12 - 2 * index
    return chunk.to_bytes(2, "big")


def test_a_run_of_packets_with_small_deltas() -> None:
    feedback = parse_feedback(packed(run(1, 3) + bytes((4, 0, 8)), count=3))
    assert feedback == TransportFeedback(100, 3, 7, 3, ((100, 1_000_000), (101, 1_000_000), (102, 3_000_000)))


def test_a_vector_of_one_bit_symbols_tells_what_is_missing() -> None:
    feedback = parse_feedback(packed(ones("10110") + bytes((1, 1, 1)), count=5))
    assert [sequence for sequence, _ in feedback.arrivals] == [100, 102, 103]


def test_large_deltas_may_be_negative() -> None:
    feedback = parse_feedback(packed(twos(1, 2, 0, 2) + bytes((40,)) + struct.pack("!hh", -20, 1000), count=4))
    assert feedback.arrivals == ((100, 10_000_000), (101, 5_000_000), (103, 255_000_000))


def test_chunks_of_all_kinds_follow_each_other() -> None:
    body = run(0, 20) + ones("1" * 14) + twos(2, 0, 0, 0, 0, 0, 1) + run(1, 2) + bytes(14) + b"\1\0" + bytes(3)
    feedback = parse_feedback(packed(body, count=43))
    assert [sequence - 100 for sequence, _ in feedback.arrivals] == [*range(20, 34), 34, 40, 41, 42]


def test_symbols_beyond_the_count_mean_nothing() -> None:
    assert len(parse_feedback(packed(ones("11111") + bytes(2), count=2)).arrivals) == 2
    assert len(parse_feedback(packed(run(1, 8191) + bytes(2), count=2)).arrivals) == 2


def test_sequence_numbers_wrap() -> None:
    feedback = parse_feedback(packed(run(1, 3) + bytes(3), base=65_535, count=3))
    assert [sequence for sequence, _ in feedback.arrivals] == [65_535, 0, 1]


@pytest.mark.parametrize("pad", [1, 5])
def test_padding_is_no_part_of_it(pad: int) -> None:
    raw = packed(run(1, 1) + bytes((4,)), count=1, pad=pad)
    assert len(raw) % 4 == 0
    assert parse_feedback(raw).arrivals == ((100, 1_000_000),)


def test_nothing_arrived() -> None:
    assert parse_feedback(packed(run(0, 300), count=300)).arrivals == ()


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "shorter than its head"),
        (packed(b"")[:19], "shorter than its head"),
        (packed(b"", count=1), "tells of 0 packets, not of 1"),
        (packed(run(1, 1), count=1)[:-2] + b"\0", "not one whole packet"),
        (packed(run(1, 3) + b"\1", count=3), "ends before the arrival time of packet 3"),
        (packed(run(1, 8191), count=8000), "fewer arrival times than packets"),
        (packed(run(2, 1) + b"\1", count=1, pad=1), "ends before the arrival time of packet 1"),
        (packed(run(3, 1) + bytes(2), count=1), "reserved status 3"),
        (packed(twos(3) + bytes(2), count=1), "reserved status 3"),
        (packed(run(0, 0), count=1), "a run of no packets"),
        (packed(b"", pad=4)[:-1] + b"\x05", "says it has 5 bytes of padding"),
        (packed(b"", pad=4)[:-1] + b"\x00", "says it has 0 bytes of padding"),
        (b"\x8e" + packed(b"")[1:], "not one whole packet"),
        (b"\x4f" + packed(b"")[1:], "not one whole packet"),
    ],
)
def test_what_is_broken_is_refused_by_name(raw: bytes, said: str) -> None:
    with pytest.raises(Invalid, match=said):
        parse_feedback(raw)


def test_empty_runs_cannot_keep_the_reader_busy() -> None:
    with pytest.raises(Invalid):
        parse_feedback(packed(run(1, 0) * 700, count=1))


def test_a_compound_is_parted() -> None:
    report, remb = bytes(RtcpRrPacket(ssrc=1)), bytes(RtcpPsfbPacket(fmt=1, ssrc=1, media_ssrc=2))
    ours = packed(run(1, 1) + b"\4", count=1)
    assert split_feedback(report + ours + remb) == (report + remb, [ours])
    assert split_feedback(b"") == (b"", [])


@pytest.mark.parametrize("cut", [1, 2, 3])
def test_a_compound_that_is_cut_off_is_refused(cut: int) -> None:
    report = bytes(RtcpRrPacket(ssrc=1))
    with pytest.raises(Invalid, match="cut off"):
        split_feedback(report + report[:cut])
    with pytest.raises(Invalid, match="cut off after"):
        split_feedback(report + report[:-cut])


@given(st.binary(max_size=200), st.integers(0, 65_535))
def test_any_body_is_read_or_refused(body: bytes, count: int) -> None:
    try:
        feedback = parse_feedback(packed(body, count=count))
    except Invalid:
        return
    assert len(feedback.arrivals) <= min(count, len(body))


def test_mutations_of_a_good_message_are_read_or_refused() -> None:
    rng = random.Random(15)  # noqa: S311 - a test's dice
    good = packed(run(0, 2) + ones("1" * 14) + twos(2, 1) + bytes(14) + b"\1\0\1", count=18)
    for _ in range(3000):
        raw = bytearray(good[: rng.randrange(len(good) + 1)] if rng.random() < 0.3 else good)
        for _ in range(rng.randrange(4)):
            if raw:
                raw[rng.randrange(len(raw))] = rng.randrange(256)
        try:
            parse_feedback(bytes(raw))
        except Invalid:
            continue
