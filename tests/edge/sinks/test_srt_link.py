from __future__ import annotations

from dataclasses import replace

import pytest

from edge.model.feedback import LinkReport, Role
from edge.sinks.srt_link import SrtGroupLinks, SrtLink
from edge.sinks.srt_stats import BytePerfMon, SrtStats

SIZE = 1360  # a payload of 1316 with SRT's, UDP's and IP's headers


def stats(
    sent: int = 0,
    *,
    again: int = 0,
    lost: int = 0,
    dropped: int = 0,
    flight: int = 0,
    buffer_ms: int = 0,
    rtt_ms: float = 20.0,
) -> SrtStats:
    return replace(
        BytePerfMon().frozen(),
        rtt_ms=rtt_ms,
        sent_packets=sent + again,
        sent_bytes=(sent + again) * SIZE,
        unique_packets=sent,
        unique_bytes=sent * SIZE,
        lost_packets=lost,
        retransmitted_packets=again,
        dropped_packets=dropped,
        flight_packets=flight,
        send_buffer_ms=buffer_ms,
        acknowledgements=1 + sent,
    )


def unmeasured(rtt_ms: float) -> SrtStats:
    """Nothing has been acknowledged yet."""
    return replace(stats(rtt_ms=rtt_ms), acknowledgements=0)


def reported(*looks: SrtStats, every_s: float = 0.1, link: SrtLink | None = None) -> LinkReport:
    """The last report of statistics that came at that distance."""
    link = link or SrtLink(sink="srt")
    reports = [link.report(one, 100 + index * every_s) for index, one in enumerate(looks)]
    assert reports[-1] is not None
    return reports[-1]


def bps(packets: float, seconds: float = 0.1) -> int:
    return round(packets * SIZE * 8 / seconds)


@pytest.mark.parametrize(
    ("before", "now", "sent", "delivered"),
    [
        (stats(0), stats(100), 100, 100),
        (stats(0), stats(100, flight=20), 100, 80),
        (stats(100, flight=20), stats(200, flight=20), 100, 100),
        (stats(100, flight=50), stats(150, flight=0), 50, 100),
        (stats(0), stats(100, again=10, lost=10), 110, 100),
        (stats(0), stats(100, dropped=30, flight=10), 100, 60),
        (stats(100), stats(100), 0, 0),
        (stats(100), stats(100, flight=7), 0, 0),
    ],
)
def test_rates_are_what_was_sent_and_what_was_acknowledged(
    before: SrtStats, now: SrtStats, sent: int, delivered: int
) -> None:
    report = reported(before, now)
    assert (report.sent_bps, report.delivered_bps) == (pytest.approx(bps(sent)), pytest.approx(bps(delivered)))


def test_rates_are_of_the_time_that_passed() -> None:
    assert reported(stats(0), stats(100), every_s=0.25).sent_bps == pytest.approx(bps(100, 0.25))


@pytest.mark.parametrize(
    ("now", "loss"),
    [
        (stats(100), 0.0),
        (stats(97, again=3, lost=3), 0.03),
        (stats(90, dropped=10), 0.1),
        (stats(0, dropped=10), 1.0),
        (stats(1, lost=50), 1.0),
        (stats(0), 0.0),
    ],
)
def test_loss_is_the_part_that_was_lost_or_dropped(now: SrtStats, loss: float) -> None:
    assert reported(stats(0), now).loss == loss


def test_queue_is_the_round_trip_beyond_the_shortest() -> None:
    trips = (50.0, 40.0, 45.0, 90.0)
    assert reported(*(stats(rtt_ms=one) for one in trips)).queue_ms == 50.0
    assert reported(*(stats(rtt_ms=one) for one in trips), stats(rtt_ms=30.0)).queue_ms == 0.0


def test_shortest_round_trip_is_forgotten_after_30_seconds() -> None:
    looks = (stats(rtt_ms=1.0), stats(rtt_ms=20.0), *(stats(rtt_ms=80.0) for _ in range(4)))
    assert reported(*looks[:4], every_s=10).queue_ms == 60.0
    assert reported(*looks[:5], every_s=10).queue_ms == 60.0
    assert reported(*looks, every_s=10).queue_ms == 0.0


@pytest.mark.parametrize(
    ("looks", "backlog_ms"),
    [
        ([stats(), stats(buffer_ms=30)], 0.0),
        ([stats(), stats(buffer_ms=31)], 1.0),
        ([stats(), stats(buffer_ms=500)], 470.0),
        ([stats(), stats(lost=1, buffer_ms=60)], 10.0),
        ([stats(), stats(lost=1), stats(lost=1, buffer_ms=60)], 10.0),
        ([stats(), stats(lost=1), stats(lost=1), stats(lost=1, buffer_ms=60)], 30.0),
    ],
)
def test_backlog_is_what_neither_round_trip_nor_repair_explains(looks: list[SrtStats], backlog_ms: float) -> None:
    assert reported(*looks).backlog_ms == backlog_ms


def test_first_look_and_a_look_too_early_report_nothing() -> None:
    link = SrtLink(sink="srt")
    assert link.report(stats(0), 10.0) is None
    assert link.report(stats(50), 10.05) is None
    report = link.report(stats(100), 10.1)
    assert report is not None
    assert report.sent_bps == pytest.approx(bps(100)), "the look too early must not begin a new interval"


def test_report_names_sink_and_role() -> None:
    report = reported(stats(0), stats(1), link=SrtLink(sink="srt/10.0.0.7:5", role=Role.GUIDE))
    assert (report.sink, report.role, report.limit_bps) == ("srt/10.0.0.7:5", Role.GUIDE, None)


@pytest.mark.parametrize(
    ("looks", "rtt_ms"),
    [
        ([unmeasured(100.0), stats(1, rtt_ms=100.0)], None),
        ([unmeasured(7.0), stats(1, rtt_ms=7.0)], None),
        ([unmeasured(7.0), unmeasured(50.0)], None),
        ([unmeasured(7.0), stats(1, rtt_ms=50.0)], 50.0),
        ([unmeasured(7.0), stats(1, rtt_ms=50.0), stats(1, rtt_ms=7.0)], 7.0),
        ([stats(1, rtt_ms=50.0), stats(1, rtt_ms=50.0)], 50.0),
    ],
)
def test_round_trip_is_none_until_srt_has_measured_it(looks: list[SrtStats], rtt_ms: float | None) -> None:
    link = SrtLink(sink="srt")
    report = reported(*looks, link=link)
    assert (report.rtt_ms, report.queue_ms, link.shortest_rtt_ms) == (rtt_ms, 0.0, rtt_ms)


def group_reports(*looks: dict[int, SrtStats]) -> LinkReport | None:
    links = SrtGroupLinks(sink="two", role=Role.GUIDE)
    return [links.report(look, 100 + index * 0.1) for index, look in enumerate(looks)][-1]


def test_group_does_as_well_as_its_best_path() -> None:
    calm = [stats(sent, rtt_ms=rtt_ms) for sent, rtt_ms in ((0, 19.0), (100, 20.0), (200, 20.0))]
    jam = [stats(sent, rtt_ms=rtt_ms, buffer_ms=300) for sent, rtt_ms in ((0, 39.0), (100, 40.0), (200, 200.0))]
    report = group_reports(*({7: one, 9: other} for one, other in zip(jam, calm, strict=True)))
    assert report is not None
    assert (report.sink, report.role) == ("two", Role.GUIDE)
    assert (report.rtt_ms, report.queue_ms, report.backlog_ms) == (20, 0, 0)


def test_path_that_begins_to_carry_is_told_of_from_its_second_look_on() -> None:
    first, second = stats(100, rtt_ms=30.0), stats(200, rtt_ms=31.0)
    assert group_reports({7: stats(0)}, {9: first}) is None
    report = group_reports({7: stats(0)}, {9: first}, {9: second})
    assert report is not None
    assert report.sent_bps == bps(100)


def test_group_without_a_path_that_carries_reports_nothing() -> None:
    assert group_reports({7: stats(0)}, {}, {7: stats(100)}) is None


def test_receiver_that_acknowledges_nothing_gets_nothing_though_the_buffer_is_emptied_by_drops() -> None:
    before = stats(200, flight=100, buffer_ms=900)
    dead = replace(stats(300, flight=60, dropped=80, buffer_ms=980), acknowledgements=before.acknowledgements)
    report = reported(before, dead)
    assert (report.delivered_bps, report.loss > 0.4, report.backlog_ms > 900) == (0, True, True)
