"""The controller against simulated paths: what is sent, and how long packets wait."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.media.path_state import Bounds
from edge.media.rate_controller import Decision, RateState, step
from edge.model.feedback import LinkReport, Role
from tests.edge.media.simulated_path import TICK_MS, SimulatedPath

MBPS = 1_000_000
S = 1_000_000_000
BOUNDS = Bounds(300_000, 8 * MBPS)


@dataclass(frozen=True, slots=True)
class Moment:
    ms: int
    decision: Decision
    queue_ms: float

    @property
    def bps(self) -> int:
        return self.decision.bitrate_bps


def watch(*paths: SimulatedPath, seconds: int, bounds: Bounds = BOUNDS) -> list[Moment]:
    """Each 10 ms of that long; the queue is the first path's."""
    state, seen = RateState(), []
    decision = Decision(bounds.ceiling_bps, "", frozenset())
    for ms in range(0, seconds * 1000, TICK_MS):
        for path in paths:
            keyframes_only = path.name in decision.demoted
            path.pass_tick(ms, decision.bitrate_bps / 20 if keyframes_only else decision.bitrate_bps)
        if ms % 50 == 0:
            reports = [report for path in paths for report in path.heard(ms)]
            state, decision = step(state, reports, bounds, ms * 1_000_000)
        seen.append(Moment(ms, decision, paths[0].queue_ms))
    return seen


def between(moments: Sequence[Moment], from_s: float, to_s: float) -> list[Moment]:
    return [moment for moment in moments if from_s * 1000 <= moment.ms < to_s * 1000]


def cut(ms: int) -> float:
    return 4 * MBPS if 5_000 <= ms < 25_000 else 20 * MBPS


def test_a_path_with_room_gets_everything_always() -> None:
    moments = watch(SimulatedPath(lambda _: 50 * MBPS, jitter_ms=20), seconds=60)
    assert {moment.bps for moment in moments} == {BOUNDS.ceiling_bps}


def test_random_loss_alone_does_not_cost_bit_rate() -> None:
    moments = watch(SimulatedPath(lambda _: 50 * MBPS, loss=0.03, jitter_ms=10), seconds=60)
    assert {moment.bps for moment in moments} == {BOUNDS.ceiling_bps}


@pytest.mark.parametrize("ceiling_bps", [8 * MBPS, 20 * MBPS])
def test_less_is_sent_within_300_ms_of_a_cut(ceiling_bps: int) -> None:
    moments = watch(SimulatedPath(cut), seconds=8, bounds=Bounds(300_000, ceiling_bps))
    assert min(moment.bps for moment in between(moments, 5, 5.3)) < ceiling_bps / 2
    assert max(moment.queue_ms for moment in between(moments, 7, 8)) < 100


@pytest.mark.parametrize("ceiling_bps", [8 * MBPS, 20 * MBPS])
@pytest.mark.parametrize("jitter_ms", [0, 20])
def test_nine_tenths_of_what_comes_back_are_used_within_15_s(ceiling_bps: int, jitter_ms: float) -> None:
    moments = watch(SimulatedPath(cut, jitter_ms=jitter_ms), seconds=45, bounds=Bounds(300_000, ceiling_bps))
    assert min(moment.bps for moment in between(moments, 40, 45)) >= 0.9 * ceiling_bps


def test_a_steady_path_is_used_and_not_swung_upon() -> None:
    moments = between(watch(SimulatedPath(lambda _: 5 * MBPS), seconds=90), 20, 90)
    rates = [moment.bps for moment in moments]
    assert sum(rates) / len(rates) > 0.88 * 5 * MBPS
    assert max(rates) < 1.12 * 5 * MBPS
    assert min(rates) > 0.8 * 5 * MBPS
    assert max(moment.queue_ms for moment in moments) < 110
    waiting = sorted(moment.queue_ms for moment in moments)
    assert waiting[len(waiting) * 3 // 4] < 20


def test_a_short_queue_that_loses_is_a_full_path_too() -> None:
    moments = watch(SimulatedPath(lambda _: 5 * MBPS, most_queue_ms=15), seconds=60)
    rates = [moment.bps for moment in between(moments, 10, 60)]
    assert sum(rates) / len(rates) < 1.08 * 5 * MBPS


def test_ten_seconds_of_silence_send_less_and_are_over_soon_after() -> None:
    path = SimulatedPath(lambda ms: 0 if 5_000 <= ms < 15_000 else 20 * MBPS, most_queue_ms=100)
    moments = watch(path, seconds=30)
    assert max(moment.bps for moment in between(moments, 6, 7)) <= BOUNDS.ceiling_bps / 2
    assert min(moment.bps for moment in between(moments, 18, 30)) > 0.9 * BOUNDS.ceiling_bps


def test_a_wait_that_stays_is_the_paths_own_and_not_a_queue() -> None:
    """As of small radio cells whose scheduling takes longer once they are slower."""
    state, decision, bounds = RateState(), Decision(0, "", frozenset()), BOUNDS
    for index in range(300):
        wait_ms = 0 if index < 50 else 300 if index < 53 else 45
        report = LinkReport("viewer", Role.GUIDE, decision.bitrate_bps, decision.bitrate_bps, queue_ms=wait_ms)
        state, decision = step(state, [report], bounds, index * S // 10)
    assert decision.bitrate_bps == BOUNDS.ceiling_bps


def test_a_receiver_that_dies_takes_less_than_three_quarters_and_not_for_long() -> None:
    path = SimulatedPath(lambda ms: 0 if ms >= 5_000 else 20 * MBPS)
    moments = watch(path, seconds=10)
    assert min(moment.bps for moment in moments) >= BOUNDS.ceiling_bps / 4
    assert min(moment.bps for moment in between(moments, 9, 10)) == BOUNDS.ceiling_bps


def test_a_higher_ceiling_is_used_at_once_on_a_path_that_was_never_full() -> None:
    report = LinkReport("viewer", Role.GUIDE, 4 * MBPS, 4 * MBPS)
    state, _ = step(RateState(), [report], Bounds(300_000, 4 * MBPS), 0)
    _, decision = step(state, [report], BOUNDS, S // 10)
    assert decision.bitrate_bps == BOUNDS.ceiling_bps


def test_without_anybody_to_report_everything_is_allowed() -> None:
    _, decision = step(RateState(), [], BOUNDS, 0)
    assert decision == Decision(BOUNDS.ceiling_bps, "", frozenset())


def test_what_the_receiver_itself_allows_is_a_limit() -> None:
    report = LinkReport("viewer", Role.GUIDE, 8 * MBPS, 8 * MBPS, limit_bps=3 * MBPS)
    _, decision = step(RateState(), [report], BOUNDS, 0)
    assert decision.bitrate_bps == 3 * MBPS


def test_the_guide_governs_and_a_weak_observer_is_demoted_alone() -> None:
    observer = SimulatedPath(lambda _: 1 * MBPS, name="observer", role=Role.OBSERVER)
    guide = SimulatedPath(lambda _: 20 * MBPS, name="guide")
    moments = watch(observer, guide, seconds=8)
    last = moments[-1].decision
    assert last == Decision(BOUNDS.ceiling_bps, "guide", frozenset({"observer"}))
    assert min(moment.bps for moment in between(moments, 0.2, 8)) == BOUNDS.ceiling_bps


def test_a_demoted_observer_is_tried_again_later_and_later() -> None:
    observer = SimulatedPath(lambda _: 1 * MBPS, name="observer", role=Role.OBSERVER)
    guide = SimulatedPath(lambda _: 20 * MBPS, name="guide")
    moments = watch(observer, guide, seconds=100)
    tries = [after.ms for before, after in pairwise(moments) if before.decision.demoted and not after.decision.demoted]
    gaps = [after - before for before, after in pairwise(tries)]
    assert len(tries) >= 3
    assert gaps == sorted(gaps)
    assert gaps[0] > 10_000


def test_the_observer_governs_once_the_guide_has_gone_and_is_promoted() -> None:
    observer = SimulatedPath(lambda _: 1 * MBPS, name="observer", role=Role.OBSERVER)
    guide = SimulatedPath(lambda ms: 20 * MBPS if ms < 8_000 else 0, name="guide", most_queue_ms=50)
    last = watch(observer, guide, seconds=20)[-1].decision
    assert last.governing == "observer"
    assert not last.demoted
    assert last.bitrate_bps < 1.2 * MBPS


def test_receiver_that_died_with_a_full_buffer_gives_way_though_nothing_more_is_sent_to_it() -> None:
    """As libsrt tells of it until it gives the connection up: something is sent still, then its window is full."""

    def told(sink: str, **numbers: int) -> LinkReport:
        return LinkReport(sink=sink, role=Role.OBSERVER, queue_ms=0, rtt_ms=1.0, **numbers)

    state = RateState()
    for ms in range(0, 5_000, 100):
        sent_bps = 2 * MBPS if ms < 2_000 else 0
        dead = told("dead", sent_bps=sent_bps, delivered_bps=sent_bps if ms < 1_000 else 0, backlog_ms=max(0, ms - 900))
        well = told("well", sent_bps=4 * MBPS, delivered_bps=4 * MBPS, backlog_ms=0)
        state, decision = step(state, [dead, well], BOUNDS, ms * 1_000_000)
        if ms >= 2_500:
            assert (decision.governing, decision.bitrate_bps) == ("well", BOUNDS.ceiling_bps)


def test_of_two_guides_the_first_governs() -> None:
    first = SimulatedPath(lambda _: 20 * MBPS, name="first")
    second = SimulatedPath(lambda _: 1 * MBPS, name="second")
    last = watch(first, second, seconds=8)[-1].decision
    assert (last.governing, last.demoted) == ("first", frozenset({"second"}))


_RATES = st.lists(st.integers(1, 30), min_size=1, max_size=4)


@settings(max_examples=15, deadline=None)
@given(rates=_RATES, rtt_ms=st.integers(2, 20), jitter_ms=st.integers(0, 20), loss=st.integers(0, 3))
def test_never_below_the_floor_or_above_the_path_for_long_and_it_converges(
    rates: list[int], rtt_ms: int, jitter_ms: int, loss: int
) -> None:
    """Each rate in Mbit/s for 20 s."""

    def carries(ms: int) -> float:
        return rates[min(ms // 20_000, len(rates) - 1)] * MBPS

    bounds = Bounds(500_000, 20 * MBPS)
    path = SimulatedPath(carries, rtt_ms=10 * rtt_ms, jitter_ms=jitter_ms, loss=loss / 100, most_queue_ms=300)
    moments = watch(path, seconds=20 * len(rates), bounds=bounds)
    assert all(bounds.floor_bps <= moment.bps <= bounds.ceiling_bps for moment in moments)
    for index, rate in enumerate(rates):
        wanted_bps = min(bounds.ceiling_bps, rate * MBPS)
        settled = between(moments, 20 * index + 4, 20 * index + 20)
        too_much = sum(moment.bps > 1.1 * rate * MBPS for moment in settled)
        assert too_much < 0.15 * len(settled)
        last = [moment.bps for moment in between(moments, 20 * index + 16, 20 * index + 20)]
        assert sum(last) / len(last) > 0.7 * wanted_bps
