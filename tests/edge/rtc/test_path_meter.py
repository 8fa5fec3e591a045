from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from edge.model.feedback import LinkReport, Role
from edge.rtc.path_meter import PathMeter
from edge.rtc.transport_feedback import TransportFeedback
from tests.edge.rtc.path_sim import MS, PathSim, Ride, S


def metered(path: PathSim, *, rate_bps: float = 4e6) -> tuple[PathMeter, Ride]:
    meter = PathMeter(sink="viewer-1", role=Role.GUIDE)
    return meter, Ride(path, rate_bps, meter.sent, meter.heard_feedback)


def told(meter: PathMeter, now_ns: int, *, backlog_ms: float = 0.0) -> LinkReport:
    report = meter.report(now_ns=now_ns, backlog_ms=backlog_ms)
    assert report is not None
    return report


def test_a_good_path_delivers_what_is_sent() -> None:
    meter, ride = metered(PathSim())
    ride.go(3)
    report = told(meter, ride.now_ns, backlog_ms=12.34)
    assert (report.sink, report.role) == ("viewer-1", Role.GUIDE)
    assert report.sent_bps == pytest.approx(4e6, rel=0.08)
    assert report.delivered_bps == pytest.approx(4e6, rel=0.08)
    assert report.queue_ms < 3
    assert (report.loss, report.backlog_ms, report.limit_bps) == (0.0, 12.3, None)
    assert 40 <= (report.rtt_ms or 0) < 80


def test_a_narrow_path_shows_its_rate_and_a_growing_queue() -> None:
    meter, ride = metered(PathSim())
    ride.go(3)
    told(meter, ride.now_ns)
    ride.path.rate_bps = 2e6
    queues: list[float] = []
    ride.go(2, every=lambda now_ns: queues.append(told(meter, now_ns).queue_ms))
    report = told(meter, ride.now_ns)
    assert report.sent_bps == pytest.approx(4e6, rel=0.08)
    assert report.delivered_bps == pytest.approx(2e6, rel=0.1)
    assert queues[-1] > 500
    assert all(later >= earlier for earlier, later in itertools.pairwise(queues))


def test_a_queue_that_drains_is_gone() -> None:
    meter, ride = metered(PathSim())
    ride.go(2)
    ride.path.rate_bps = 2e6
    ride.go(1)
    ride.path.rate_bps = 100e6
    ride.go(2)
    told(meter, ride.now_ns)
    ride.go(0.2)
    assert told(meter, ride.now_ns).queue_ms < 3


@pytest.mark.parametrize("drift_ppm", [-100, 100])
def test_a_clock_that_is_100_ppm_off_makes_no_queue_that_grows(drift_ppm: float) -> None:
    meter, ride = metered(PathSim(drift_ppm=drift_ppm, jitter_ms=2), rate_bps=3e5)
    queues: list[float] = []
    ride.go(600, every=lambda now_ns: queues.append(told(meter, now_ns).queue_ms))
    assert max(queues) < 7
    ride.path.rate_bps = 2e5
    ride.go(1)
    told(meter, ride.now_ns)
    ride.go(0.2)
    assert told(meter, ride.now_ns).queue_ms > 100


@pytest.mark.parametrize("drift_ppm", [-100, 100])
def test_a_day_with_a_clock_that_is_off_leaves_nothing_behind(drift_ppm: float) -> None:
    path = PathSim(drift_ppm=drift_ppm, clock_offset_ns=(1 << 24) * 64 * MS - 12 * 3600 * S)
    meter = PathMeter(sink="v", role=Role.GUIDE)
    worst_ms = 0.0
    for second in range(0, 24 * 3600, 2):
        now_ns = second * S
        meter.sent(second & 0xFFFF, now_ns, 1200)
        path.send(second, now_ns)
        if second & 2 and (feedback := path.feedback(now_ns)) is not None:
            meter.heard_feedback(feedback, now_ns)
            worst_ms = max(worst_ms, told(meter, now_ns).queue_ms)
    assert worst_ms < 4
    assert len(meter._trail._flying) + len(meter._trail._missing) < 10


def test_one_packet_that_jitters_is_no_queue() -> None:
    meter, ride = metered(PathSim(jitter_ms=60))
    ride.go(3)
    queues: list[float] = []
    ride.go(5, every=lambda now_ns: queues.append(told(meter, now_ns).queue_ms))
    assert max(queues) < 15


def test_loss_is_the_part_that_did_not_arrive() -> None:
    meter, ride = metered(PathSim(loss=0.1))
    ride.go(3)
    losses: list[float] = []
    ride.go(10, every=lambda now_ns: losses.append(told(meter, now_ns).loss))
    assert sum(losses) / len(losses) == pytest.approx(0.1, abs=0.02)
    ride.path.loss = 0
    ride.go(1.5)
    assert told(meter, ride.now_ns).loss == 0


def test_a_packet_told_as_missing_that_came_late_was_not_lost() -> None:
    meter = PathMeter(sink="v", role=Role.GUIDE)
    for sequence in range(4):
        meter.sent(sequence, sequence * MS, 1000)
    early = TransportFeedback(0, 4, 100, 0, ((0, 0), (1, MS), (3, 3 * MS)))
    meter.heard_feedback(early, 50 * MS)
    assert told(meter, 50 * MS).loss == 0.25
    meter.heard_feedback(TransportFeedback(2, 1, 100, 1, ((2, 70 * MS),)), 130 * MS)
    assert told(meter, 130 * MS).loss == 0


def test_what_is_told_twice_counts_once() -> None:
    meter = PathMeter(sink="v", role=Role.GUIDE)
    meter.sent(7, 0, 100_000)
    feedback = TransportFeedback(7, 1, 100, 0, ((7, 0),))
    meter.heard_feedback(feedback, 50 * MS)
    first = told(meter, 50 * MS)
    for _ in range(10):
        meter.heard_feedback(feedback, 60 * MS)
    assert told(meter, 60 * MS) == replace(first, sent_bps=told(meter, 60 * MS).sent_bps)


def test_a_path_that_breaks_delivers_nothing_and_its_queue_is_the_silence() -> None:
    meter, ride = metered(PathSim())
    ride.go(3)
    told(meter, ride.now_ns)
    ride.path.cut = True
    ride.go(1.5)
    report = told(meter, ride.now_ns)
    assert report.delivered_bps == 0
    assert report.queue_ms > 1000


@pytest.mark.parametrize("way_ms", [5.0, 200.0])
def test_a_pause_in_sending_is_no_queue_and_no_loss(way_ms: float) -> None:
    meter, ride = metered(PathSim(way_ms=way_ms))
    ride.go(3)
    told(meter, ride.now_ns)
    reports: list[LinkReport | None] = []
    for _ in range(3):
        ride.pause(2)
        idle = told(meter, ride.now_ns)
        assert (idle.sent_bps, idle.delivered_bps, idle.queue_ms, idle.loss) == (0, 0, 0.0, 0.0)
        ride.go(0.9, every=lambda now_ns: reports.append(meter.report(now_ns=now_ns, backlog_ms=0)))
    made = [report for report in reports if report is not None]
    assert all(report.queue_ms < 3 and report.delivered_bps > 0 for report in made)
    assert len(made) >= 9


def test_a_path_that_breaks_in_a_pause_shows_when_it_is_used_again() -> None:
    meter, ride = metered(PathSim())
    ride.go(3)
    ride.path.cut = True
    ride.pause(2)
    ride.go(0.2)
    assert meter.report(now_ns=ride.now_ns, backlog_ms=0) is None
    ride.go(1)
    report = told(meter, ride.now_ns)
    assert (report.delivered_bps, report.queue_ms > 500) == (0, True)


def test_a_clock_of_the_receiver_that_jumps_begins_anew() -> None:
    meter, ride = metered(PathSim())
    ride.go(3)
    ride.path.clock_offset_ns += 3600 * S
    ride.go(2)
    report = told(meter, ride.now_ns)
    assert report.queue_ms < 3
    assert report.delivered_bps == pytest.approx(4e6, rel=0.08)


def test_reference_times_wrap_after_twelve_days() -> None:
    wrap_ns = (1 << 24) * 64 * MS
    meter, ride = metered(PathSim(clock_offset_ns=wrap_ns - 7 * S))
    ride.go(5)
    report = told(meter, ride.now_ns)
    assert report.queue_ms < 3
    assert report.delivered_bps == pytest.approx(4e6, rel=0.08)


@pytest.mark.parametrize("count", [1, 65_535])
def test_feedback_about_packets_that_were_never_sent_means_nothing(count: int) -> None:
    meter = PathMeter(sink="v", role=Role.GUIDE)
    meter.heard_feedback(TransportFeedback(1000, count, 5, 0, ((1000, 0),)), S)
    report = told(meter, S)
    assert (report.delivered_bps, report.loss, report.queue_ms, report.rtt_ms) == (0, 0.0, 0.0, None)


def test_memory_is_bounded_without_any_feedback() -> None:
    meter = PathMeter(sink="v", role=Role.GUIDE)
    for index in range(40_000):
        meter.sent(index, index * MS, 1200)
    assert len(meter._trail._flying) == 16_384
    assert meter.report(now_ns=40 * S, backlog_ms=0) is None


def test_receiver_reports_stand_in_where_there_is_no_feedback() -> None:
    meter = PathMeter(sink="v", role=Role.OBSERVER)
    for index in range(1000):
        meter.sent(index, index * MS, 500)
    meter.heard_report(loss=0.0, rtt_ms=30.0, now_ns=S // 2)
    meter.heard_report(loss=0.25, rtt_ms=80.0, now_ns=S)
    meter.heard_limit(2_500_000)
    report = told(meter, S)
    assert report.sent_bps == pytest.approx(4e6, rel=0.05)
    assert report.delivered_bps == pytest.approx(3e6, rel=0.05)
    assert (report.loss, report.queue_ms, report.rtt_ms, report.limit_bps) == (0.25, 50.0, 80.0, 2_500_000)
    assert report.role is Role.OBSERVER


def test_a_receiver_that_falls_silent_gets_nothing() -> None:
    meter = PathMeter(sink="v", role=Role.GUIDE)
    meter.heard_report(loss=0.0, rtt_ms=None, now_ns=S)
    for index in range(1000):
        meter.sent(index, 7 * S + index * MS, 500)
    report = told(meter, 8 * S)
    assert (report.delivered_bps, report.rtt_ms) == (0, None)
    assert report.sent_bps > 0


def test_with_feedback_remb_is_no_limit() -> None:
    meter, ride = metered(PathSim())
    meter.heard_limit(100_000)
    ride.go(1)
    assert told(meter, ride.now_ns).limit_bps is None


def test_reports_are_due_every_100_ms() -> None:
    meter = PathMeter(sink="v", role=Role.GUIDE)
    meter.heard_limit(1)
    assert meter.due(0)
    told(meter, 0)
    assert not meter.due(99 * MS)
    assert meter.due(100 * MS)


def test_a_packet_without_a_number_of_its_own_counts_in_the_rate_only() -> None:
    meter = PathMeter(sink="v", role=Role.GUIDE)
    meter.sent(None, S, 100_000)
    meter.heard_limit(1)
    assert told(meter, S).sent_bps > 0
    assert not meter._trail._flying
