from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest

from edge.media.epochs import Wish
from edge.media.rate_loop import RateLoop
from edge.model.feedback import Demotion, LinkReport, Role
from edge.model.video import EncodeTarget
from tests.fakes import FakeClock

WISH = Wish(EncodeTarget(bitrate_bps=8_000_000, max_bitrate_bps=20_000_000))


@dataclass
class Bench:
    clock: FakeClock = field(default_factory=FakeClock)
    aimed: list[Wish] = field(default_factory=list)
    demotions: list[Demotion] = field(default_factory=list)
    holds_ns: list[int] = field(default_factory=list)
    live: bool = True
    lowest_bps: int = 500_000

    def loop(self, *, adapts: bool = True) -> RateLoop:
        return RateLoop(
            wish=WISH,
            aim=self.aimed.append,
            lowest_bps=lambda: self.lowest_bps,
            live=lambda: self.live,
            on_demotion=self.demotions.append,
            hold=self.holds_ns.append,
            clock=self.clock,
            adapts=adapts,
        )

    def hear(self, loop: RateLoop, *reports: LinkReport, times: int = 1) -> None:
        for _ in range(times):
            self.clock.advance(100)
            for report in reports:
                loop.hear(report)
            loop.turn()

    @property
    def rates(self) -> list[int]:
        return [wish.target.bitrate_bps for wish in self.aimed]


def report(carries_bps: int, *, sink: str = "viewer", role: Role = Role.GUIDE, queue_ms: float = 0) -> LinkReport:
    return LinkReport(sink, role, sent_bps=carries_bps, delivered_bps=carries_bps, queue_ms=queue_ms)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_nothing_is_aimed_anew_while_the_path_carries_everything(bench: Bench) -> None:
    bench.hear(bench.loop(), report(8_000_000), times=50)
    assert bench.aimed == []


def test_a_full_path_lowers_the_aim_and_nothing_else_of_the_wish(bench: Bench) -> None:
    bench.hear(bench.loop(), report(4_000_000, queue_ms=200), times=3)
    assert bench.rates[-1] < 4_000_000
    last = bench.aimed[-1]
    assert replace(last, target=replace(last.target, bitrate_bps=8_000_000)) == WISH


def test_the_aim_is_never_below_what_the_last_step_needs(bench: Bench) -> None:
    starved = LinkReport("viewer", Role.GUIDE, sent_bps=2_000_000, delivered_bps=10_000, queue_ms=900)
    bench.hear(bench.loop(), starved, times=30)
    assert 500_000 <= min(bench.rates) < 550_000


def test_another_wish_is_aimed_at_once_and_held_to_what_the_path_carries(bench: Bench) -> None:
    loop = bench.loop()
    bench.hear(loop, report(4_000_000, queue_ms=200), times=3)
    held = bench.rates[-1]
    loop.wish(replace(WISH, target=replace(WISH.target, bitrate_bps=12_000_000, gop_s=1.0)))
    assert (bench.rates[-1], bench.aimed[-1].target.gop_s) == (held, 1.0)
    loop.wish(replace(WISH, target=replace(WISH.target, bitrate_bps=1_000_000)))
    assert bench.rates[-1] == 1_000_000


def test_a_path_that_is_narrow_all_at_once_holds_the_encoder_until_it_has_drained_and_not_twice(bench: Bench) -> None:
    bench.hear(bench.loop(), report(4_000_000, queue_ms=100), report(4_000_000, queue_ms=110), times=4)
    assert bench.holds_ns == [pytest.approx(190_000_000, abs=20_000_000)]


def test_a_path_that_narrows_slowly_holds_nothing(bench: Bench) -> None:
    bench.hear(bench.loop(), report(7_700_000, queue_ms=80), times=4)
    assert bench.rates
    assert bench.holds_ns == []


def test_a_rung_that_does_not_adapt_keeps_its_rate(bench: Bench) -> None:
    bench.hear(bench.loop(adapts=False), report(1_000_000, queue_ms=500), times=30)
    assert bench.aimed == []


def test_an_encoder_that_needs_an_epoch_for_each_rate_is_asked_seldom(bench: Bench) -> None:
    bench.live = False
    loop = bench.loop()
    bench.hear(loop, report(7_600_000, queue_ms=80), times=2)
    bench.hear(loop, report(7_000_000), times=100)
    assert len(bench.aimed) <= 2
    bench.hear(loop, report(2_000_000, queue_ms=300), times=3)
    assert bench.rates[-1] < 3_000_000


def test_who_is_demoted_and_promoted_is_told_once(bench: Bench) -> None:
    loop = bench.loop()
    guide, weak = report(8_000_000, sink="guide"), report(900_000, sink="weak", role=Role.OBSERVER, queue_ms=400)
    bench.hear(loop, guide, weak, times=30)
    assert bench.demotions == [Demotion("weak", demoted=True)]
    assert loop.report().demoted == ("weak",)
    bench.hear(loop, guide, replace(weak, queue_ms=0), times=110)
    assert bench.demotions == [Demotion("weak", demoted=True), Demotion("weak", demoted=False)]


def test_the_report_names_who_governs_and_for_how_long_the_path_is_narrow(bench: Bench) -> None:
    loop = bench.loop()
    assert (loop.report().governing, loop.report().narrow_s) == ("", 0)
    bench.hear(loop, report(2_000_000, queue_ms=300), times=5)
    seen = loop.report()
    assert (seen.wished_bps, seen.governing) == (8_000_000, "viewer")
    assert 0.2 < seen.narrow_s < 0.6
