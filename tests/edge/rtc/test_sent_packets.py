from __future__ import annotations

from edge.rtc.sent_packets import SentPackets

MS = 1_000_000


def filled(rate_packets: int, seconds: float, **limits: int) -> SentPackets:
    """A packet of 1200 bytes `rate_packets` times a second; numbers begin at 65 000."""
    kept = SentPackets(**limits)
    for index in range(int(rate_packets * seconds)):
        kept.keep((65_000 + index) & 0xFFFF, b"%04d" % index + bytes(1196), index * 1000 * MS // rate_packets)
    return kept


def test_one_second_is_kept_whatever_the_rate() -> None:
    for rate in (100, 1000, 5000):
        kept = filled(rate, 3)
        assert abs(len(kept) - rate) <= 1
        last = (65_000 + 3 * rate - 1) & 0xFFFF
        assert kept.again((last - rate + 1) & 0xFFFF, now_ns=3000 * MS - 1000 * MS // rate, rtt_ns=0) is not None


def test_what_is_older_is_counted_as_too_late() -> None:
    kept = filled(100, 1)
    assert kept.again(65_000, now_ns=1001 * MS, rtt_ns=0) is None
    assert kept.again(3, now_ns=1001 * MS, rtt_ns=0) is None
    assert kept.too_late == 2


def test_nothing_is_kept_once_it_is_cleared() -> None:
    kept = filled(100, 1)
    kept.clear()
    assert len(kept) == 0
    assert kept.again(65_050, now_ns=1000 * MS, rtt_ns=0) is None
    kept.keep(65_050, b"new", 1000 * MS)
    assert kept.again(65_050, now_ns=1000 * MS, rtt_ns=0) == b"new"


def test_memory_has_a_bound_in_bytes_too() -> None:
    assert len(filled(5000, 1, most_bytes=120_000)) == 100


def test_a_copy_under_way_is_not_sent_again_within_a_round_trip() -> None:
    kept = filled(100, 0.1)
    times_ms = (100, 110, 149, 180, 200, 280)
    sent = [kept.again(65_005, now_ns=at_ms * MS, rtt_ns=100 * MS) is not None for at_ms in times_ms]
    assert sent == [True, False, False, True, False, True]
    assert (kept.too_soon, kept.too_late) == (3, 0)


def test_without_a_known_round_trip_a_burst_of_requests_gets_one_copy() -> None:
    kept = filled(100, 0.1)
    assert sum(kept.again(65_005, now_ns=at * MS, rtt_ns=0) is not None for at in (100, 101, 104)) == 1


def test_a_number_that_comes_round_is_the_new_packet() -> None:
    kept = SentPackets(keep_ns=10**18)
    kept.keep(7, b"old", 1)
    kept.keep(7, b"new", 2)
    assert kept.again(7, now_ns=3, rtt_ns=0) == b"new"


def test_a_number_that_came_round_is_still_known_when_the_old_packet_is_forgotten() -> None:
    kept = SentPackets()
    kept.keep(7, b"old", 0)
    kept.keep(7, b"new", 900 * MS)
    kept.keep(8, b"next", 1100 * MS)
    assert len(kept) == 2
    assert kept.again(7, now_ns=1100 * MS, rtt_ns=0) == b"new"
