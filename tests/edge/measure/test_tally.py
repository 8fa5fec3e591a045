"""Tally: what is counted as latency and what is not."""

from __future__ import annotations

import pytest

from edge.measure.tally import Picture, Report, Spread, Tally, spread
from edge.model.sei import TimeSei

UTC_NS = 1_767_225_600_123_456_789


def stamped(seq: int, *, late_ms: float = 100.0, live: bool = True, strip: bool = False, off_us: int = 0) -> Picture:
    arrived = UTC_NS + int(late_ms * 1e6)
    return Picture(
        arrived_utc_ns=arrived,
        sei=TimeSei(UTC_NS, seq, live, True, uncertainty_us=700),
        decoded_utc_ns=arrived + 5_000_000 if strip else None,
        strip_us=(UTC_NS // 1000 + off_us) % (1 << 48) if strip else None,
    )


def told(*pictures: Picture) -> Report:
    tally = Tally()
    for picture in pictures:
        tally.add(picture)
    return tally.report()


def test_spread_of_a_hundred_values() -> None:
    found = spread([n * 1_000_000 for n in range(1, 101)])
    assert found == Spread(p50=51.0, p95=96.0, p99=100.0, min=1.0, max=100.0, count=100)


def test_spread_of_nothing_is_none() -> None:
    assert spread([]) is None


def test_sei_latency_ends_with_arrival_and_strip_latency_with_decoding() -> None:
    report = told(stamped(1, strip=True))
    assert report.sei is not None
    assert report.strip is not None
    assert report.sei.p50 == pytest.approx(100.0)
    assert report.strip.p50 == pytest.approx(105.0, abs=0.001)
    assert report.strip_minus_sei == Spread(0, 0, 0, 0, 0, 1)


def test_strip_that_differs_from_its_sei_shows() -> None:
    report = told(stamped(1, strip=True, off_us=-16_667))
    assert report.strip_minus_sei is not None
    assert report.strip_minus_sei.p50 == pytest.approx(-16.667)


def test_pictures_that_are_not_live_count_but_not_as_latency() -> None:
    report = told(stamped(1), stamped(2, live=False, late_ms=9000, strip=True))
    assert (report.live, report.not_live) == (1, 1)
    assert report.sei is not None
    assert report.sei.max == pytest.approx(100.0)
    assert report.strip is None
    assert report.strip_minus_sei is None


def test_absent_sequence_numbers_are_counted_as_one_gap() -> None:
    report = told(stamped(1), stamped(2), stamped(6), stamped(7))
    assert (report.missing, report.gaps, report.restarts) == (3, 1, 0)


def test_sequence_wraps_without_a_gap() -> None:
    report = told(stamped((1 << 32) - 1), stamped(0))
    assert (report.missing, report.gaps, report.restarts) == (0, 0, 0)


def test_sequence_that_starts_over_is_a_restart_and_not_four_billion_missing() -> None:
    report = told(stamped(5000), stamped(0), stamped(1))
    assert (report.missing, report.gaps, report.restarts) == (0, 0, 1)


def test_strip_alone_is_enough_across_its_wrap() -> None:
    wrap_ns = (1 << 48) * 1000 * 7
    picture = Picture(wrap_ns + 20_000_000, decoded_utc_ns=wrap_ns + 20_000_000, strip_us=(1 << 48) - 30_000)
    report = told(picture)
    assert report.strip is not None
    assert report.strip.p50 == pytest.approx(50.0)
    assert report.sender_synchronised is None


def test_the_senders_clock_is_told_on() -> None:
    report = told(stamped(1))
    assert (report.sender_synchronised, report.sender_uncertainty_us) == (True, 700)


def test_stream_without_times_carries_none() -> None:
    report = told(Picture(arrived_utc_ns=UTC_NS, decoded_utc_ns=UTC_NS))
    assert not report.carries_time
    assert (report.pictures, report.decoded) == (1, 1)


def test_stream_of_slates_carries_times() -> None:
    assert told(stamped(1, live=False)).carries_time
