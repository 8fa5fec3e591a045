"""Targets are met or not met by the figure, and the table says so."""

from __future__ import annotations

from dataclasses import replace

from tests.bench.network_figures import LineSample, Run, Shown
from tests.bench.network_table import Column, render
from tests.bench.network_targets import Transport, verdicts
from tests.bench.test_network_figures import steady
from tests.netlab.profiles import PROFILES


def make_run(shown: list[Shown], *, seconds: float = 30, lost: float = 0.0, dropped: int | None = None) -> Run:
    line = [LineSample(at_s, int(at_s * 1e6)) for at_s in range(int(seconds) + 1)]
    return Run(seconds, shown, line, lost, len(shown), dropped_packets=dropped)


def met(name: str, transport: Transport, run: Run, *, latency_ms: int = 0) -> list[bool | None]:
    return [one.met for one in verdicts(PROFILES[name], transport, run, latency_ms=latency_ms)]


def test_lan_wants_70_ms_and_no_freeze() -> None:
    assert met("lan", Transport.WEBRTC, make_run(steady(0, 30))) == [True, True]
    assert met("lan", Transport.WEBRTC, make_run(steady(0, 30, late_ms=80))) == [False, True]
    assert met("lan", Transport.WEBRTC, make_run(steady(0, 10) + steady(11, 30))) == [True, False]


def test_srt_on_a_lan_may_take_its_latency_and_120_ms() -> None:
    assert met("lan", Transport.SRT, make_run(steady(0, 30, late_ms=230)), latency_ms=120) == [True]
    assert met("lan", Transport.SRT, make_run(steady(0, 30, late_ms=250)), latency_ms=120) == [False]


def test_srt_with_4_round_trips_may_lose_neither_picture_nor_packet() -> None:
    for name in ("rtt40-loss1", "rtt80-loss2", "burst-loss5"):
        assert met(name, Transport.SRT, make_run(steady(0, 30), dropped=0)) == [True]
        assert met(name, Transport.SRT, make_run(steady(0, 30), lost=0.001, dropped=0)) == [False]
        assert met(name, Transport.SRT, make_run(steady(0, 30), dropped=1)) == [False]


def test_freezes_are_counted_a_minute() -> None:
    one_in_half_a_minute = make_run(steady(0, 10) + steady(10.3, 30))
    assert met("rtt40-loss1", Transport.WEBRTC, one_in_half_a_minute) == [True, False]


def test_cut_wants_young_pictures_no_long_freeze_and_the_rate_back() -> None:
    whole = make_run(steady(0, 34), seconds=34)
    assert met("cut-20-4-20", Transport.WEBRTC, whole) == [True, True, True]
    slow = replace(whole, line=[LineSample(at_s, int(min(at_s, 20) * 1e6)) for at_s in range(35)])
    assert met("cut-20-4-20", Transport.WEBRTC, slow) == [True, True, False]
    late = make_run(steady(0, 8) + steady(8, 34, late_ms=900), seconds=34)
    assert met("cut-20-4-20", Transport.WEBRTC, late)[0] is False


def test_srt_queue_is_measured_against_its_latency() -> None:
    full = replace(make_run(steady(0, 34), seconds=34), line=[LineSample(9, 0, 300)])
    assert met("cut-20-4-20", Transport.SRT, full, latency_ms=160) == [False]
    assert met("cut-20-4-20", Transport.SRT, full, latency_ms=200) == [True]
    assert met("cut-20-4-20", Transport.SRT, make_run(steady(0, 34), seconds=34), latency_ms=200) == [None]


def test_outage_wants_a_picture_soon_after() -> None:
    back = make_run(steady(0, 8) + steady(21, 26), seconds=26)
    assert met("outage-10s", Transport.WEBRTC, back) == [False]
    assert met("outage-10s", Transport.SRT, back) == [True]
    assert met("outage-10s", Transport.SRT, make_run(steady(0, 8), seconds=26)) == [False]


def test_line_without_a_target_is_not_judged() -> None:
    assert met("dsl-5", Transport.WEBRTC, make_run(steady(0, 30))) == []


def test_table_has_both_columns_and_says_why_one_is_empty() -> None:
    columns = [Column("ours", make_run(steady(0, 30))), Column("theirs", None, "it ended")]
    text = render(PROFILES["lan"], Transport.WEBRTC, columns, latency_ms=0)
    assert "| p95 | 50 ms: met | not measured | <= 70 ms |" in text
    assert "theirs: not measured: it ended" in text


def test_encoder_that_fell_behind_shows_in_the_table() -> None:
    columns = [Column("ours", make_run(steady(0, 30, fps=20)))]
    assert "| encoded | 20.0 of 30 fps |" in render(PROFILES["lan"], Transport.WEBRTC, columns, latency_ms=0)


def test_recovery_is_told_for_each_change_by_the_transports_own_limit() -> None:
    run = replace(make_run(steady(0, 34, late_ms=250), seconds=34), change_s=(8, 18))
    over_webrtc = render(PROFILES["cut-20-4-20"], Transport.WEBRTC, [Column("ours", run)], latency_ms=0)
    assert over_webrtc.count("| p95 <= 200 ms again after | not before the next |") == 2
    over_srt = render(PROFILES["cut-20-4-20"], Transport.SRT, [Column("ours", run)], latency_ms=160)
    assert over_srt.count("| p95 <= 280 ms again after | 0.0 s |") == 2
