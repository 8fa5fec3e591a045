from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from aiortc.rtcrtpparameters import RTCRtpHeaderExtensionParameters, RTCRtpParameters
from aiortc.rtp import HeaderExtensionsMap, RtpPacket, unpack_header_extensions, unwrap_rtx

from edge.rtc.rtp_stream import (
    ABS_CAPTURE_TIME,
    ABS_SEND_TIME,
    MID,
    PLAYOUT_DELAY,
    CodedPicture,
    Negotiated,
    RtpStream,
    ntp_of,
    pack_extensions,
)
from edge.rtc.transport_feedback import TRANSPORT_WIDE

NOON_NS = 1_795_435_200_500_000_000  # 2026-11-23T12:00:00.5Z
NOON_NTP = (1_795_435_200 + 2_208_988_800) << 32 | 1 << 31
IDS = {MID: 9, ABS_SEND_TIME: 2, ABS_CAPTURE_TIME: 13, PLAYOUT_DELAY: 5}
SETTLED = Negotiated(payload_type=96, ssrc=7, rtx_ssrc=8, rtx_payload_type=97, mid="0", extensions=IDS)


def sent(stream: RtpStream, *payloads: bytes, pts: int = 0, captured: int | None = None) -> list[bytes]:
    stream.at(1_000_000_000, NOON_NS)
    return list(stream.packets(CodedPicture(payloads, pts, captured)))


def extensions(packet: bytes) -> dict[int, bytes]:
    """By aiortc's own parser."""
    assert packet[0] & 0x10
    words = int.from_bytes(packet[14:16], "big")
    return dict(unpack_header_extensions(int.from_bytes(packet[12:14], "big"), packet[16 : 16 + words * 4]))


def test_a_receiver_reads_the_packets_of_a_picture() -> None:
    known = HeaderExtensionsMap()
    known.configure(
        RTCRtpParameters(headerExtensions=[RTCRtpHeaderExtensionParameters(id=n, uri=u) for u, n in IDS.items()])
    )
    packets = [RtpPacket.parse(raw, known) for raw in sent(RtpStream(SETTLED), b"one", b"two", b"three")]
    assert [packet.payload for packet in packets] == [b"one", b"two", b"three"]
    assert [packet.marker for packet in packets] == [0, 0, 1]
    assert {(packet.ssrc, packet.payload_type, packet.timestamp) for packet in packets} == {
        (7, 96, packets[0].timestamp)
    }
    assert {packet.extensions.mid for packet in packets} == {"0"}
    assert {packet.extensions.abs_send_time for packet in packets} == {NOON_NTP >> 14 & 0xFFFFFF}


def test_sequence_numbers_follow_and_wrap() -> None:
    stream = RtpStream(SETTLED)
    numbers = [int.from_bytes(raw[2:4], "big") for _ in range(70) for raw in sent(stream, *[b"x"] * 1000)]
    assert numbers[0] < 1 << 15
    assert all((b - a) & 0xFFFF == 1 for a, b in itertools.pairwise(numbers))
    assert 0xFFFF in numbers
    assert (stream.packets_sent, stream.octets_sent) == (70_000, 70_000)


def test_timestamps_follow_pts_modulo_32_bits() -> None:
    stream = RtpStream(SETTLED)
    first, second = (RtpPacket.parse(sent(stream, b"x", pts=pts)[0]) for pts in ((1 << 40) - 1, (1 << 40) + 2))
    assert (second.timestamp - first.timestamp) & 0xFFFFFFFF == 3
    assert stream.timestamp == second.timestamp


def test_capture_time_and_playout_delay_are_on_the_first_packet_only() -> None:
    first, second = sent(RtpStream(SETTLED), b"one", b"two", captured=NOON_NS)
    assert extensions(first)[13] == NOON_NTP.to_bytes(8, "big")
    assert extensions(first)[5] == bytes(3)
    assert extensions(second).keys() == {9, 2}


def test_capture_time_is_not_told_when_not_due() -> None:
    [packet] = sent(RtpStream(SETTLED), b"one")
    assert extensions(packet).keys() == {9, 2}


def test_nothing_is_told_to_a_viewer_that_offered_nothing() -> None:
    [packet] = sent(RtpStream(replace(SETTLED, extensions={})), b"one", captured=NOON_NS)
    assert packet[0] == 0x80
    assert packet[12:] == b"one"


@pytest.mark.parametrize("captured", [None, NOON_NS])
@pytest.mark.parametrize("ids", [IDS, {}])
def test_a_retransmission_unwraps_to_the_lost_packet(captured: int | None, ids: dict[str, int]) -> None:
    stream = RtpStream(replace(SETTLED, extensions=ids))
    lost = sent(stream, b"one", captured=captured)[0]
    again = stream.retransmission(int.from_bytes(lost[2:4], "big"))
    assert again is not None
    parsed = RtpPacket.parse(again)
    assert (parsed.ssrc, parsed.payload_type) == (8, 97)
    unwrapped, original = unwrap_rtx(parsed, payload_type=96, ssrc=7), RtpPacket.parse(lost)
    assert (unwrapped.payload, unwrapped.sequence_number, unwrapped.timestamp, unwrapped.marker) == (
        original.payload,
        original.sequence_number,
        original.timestamp,
        original.marker,
    )
    assert not ids or extensions(again) == extensions(lost)


def test_retransmissions_have_sequence_numbers_of_their_own() -> None:
    stream = RtpStream(SETTLED)
    number = int.from_bytes(sent(stream, b"one")[0][2:4], "big")
    first = RtpPacket.parse(stream.retransmission(number) or b"")
    stream.at(1_100_000_000, NOON_NS)
    second = RtpPacket.parse(stream.retransmission(number) or b"")
    assert (second.sequence_number - first.sequence_number) & 0xFFFF == 1


def test_without_a_stream_for_it_the_packet_itself_is_sent_again() -> None:
    stream = RtpStream(replace(SETTLED, rtx_payload_type=None))
    [packet] = sent(stream, b"one")
    assert stream.retransmission(int.from_bytes(packet[2:4], "big")) == packet


def test_without_a_stream_for_it_srtp_would_take_no_number_that_far_back() -> None:
    stream = RtpStream(replace(SETTLED, rtx_payload_type=None))
    numbers = [int.from_bytes(packet[2:4], "big") for packet in sent(stream, *[b"x"] * 1200)]
    assert stream.retransmission(numbers[100]) is None
    assert stream.retransmission(numbers[300]) is not None


def test_every_packet_and_every_retransmission_has_a_transport_wide_number_of_its_own() -> None:
    stream = RtpStream(replace(SETTLED, extensions={**IDS, TRANSPORT_WIDE: 3}))
    first, second = sent(stream, b"one", b"two", captured=NOON_NS)
    again = stream.retransmission(int.from_bytes(first[2:4], "big")) or b""
    third = sent(stream, b"three")[0]
    assert [int.from_bytes(extensions(raw)[3], "big") for raw in (first, second, again, third)] == [1, 2, 3, 4]
    assert stream.transport_sequence == 4
    assert extensions(again)[13] == NOON_NTP.to_bytes(8, "big")


def test_transport_wide_numbers_wrap() -> None:
    stream = RtpStream(replace(SETTLED, extensions={TRANSPORT_WIDE: 3}))
    packets = sent(stream, *[b"x"] * 65_540)
    assert [int.from_bytes(extensions(raw)[3], "big") for raw in packets[-6:]] == [65_535, 0, 1, 2, 3, 4]


@pytest.mark.parametrize("ids", [{ABS_SEND_TIME: 2}, {ABS_SEND_TIME: 2, TRANSPORT_WIDE: 15}, {TRANSPORT_WIDE: 200}])
def test_a_retransmission_tells_when_it_was_sent_itself(ids: dict[str, int]) -> None:
    stream = RtpStream(replace(SETTLED, extensions={MID: 9, **ids}))
    [packet] = sent(stream, b"one")
    stream.at(1_020_000_000, NOON_NS + 250_000_000)
    again = extensions(stream.retransmission(int.from_bytes(packet[2:4], "big")) or b"")
    assert again[9] == b"0"
    if ABS_SEND_TIME in ids:
        assert int.from_bytes(again[2], "big") - int.from_bytes(extensions(packet)[2], "big") == 1 << 16
    if TRANSPORT_WIDE in ids:
        assert again[ids[TRANSPORT_WIDE]] == b"\0\2"


@pytest.mark.parametrize(
    "elements", [[], [(1, b"a")], [(14, b"x" * 16), (2, b"abc")], [(15, b"a")], [(200, b"abc"), (3, b"y" * 17)]]
)
def test_extensions_are_read_back(elements: list[tuple[int, bytes]]) -> None:
    packed = pack_extensions(elements)
    assert len(packed) % 4 == 0
    profile, words = int.from_bytes(packed[:2], "big"), int.from_bytes(packed[2:4], "big")
    assert words * 4 == max(0, len(packed) - 4)
    assert unpack_header_extensions(profile, packed[4:]) == elements


def test_utc_becomes_ntp_in_q32_32() -> None:
    assert ntp_of(NOON_NS) == NOON_NTP


def test_ntp_goes_round_in_2036() -> None:
    assert ntp_of(((1 << 32) - 2_208_988_800) * 1_000_000_000) == 0
