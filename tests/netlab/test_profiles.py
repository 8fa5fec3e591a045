"""The named profiles are what their names and notes say."""

from __future__ import annotations

import pytest

from tests.netlab.path import End
from tests.netlab.profiles import PROFILES, Profile


def test_every_name_of_the_requirement_is_there() -> None:
    wanted = (
        "lan hospital-wifi dsl-5 4g 5g-sa bad-4g rtt40-loss1 rtt80-loss2 burst-loss5 cut-20-4-20 outage-10s path-change"
    )
    assert list(PROFILES) == wanted.split()


@pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda profile: profile.name)
def test_schedule_begins_at_zero_and_goes_forward(profile: Profile) -> None:
    times = [step.at_s for step in profile.steps]
    assert times[0] == 0
    assert times == sorted(set(times))


@pytest.mark.parametrize(("name", "rtt_ms"), [("rtt40-loss1", 40), ("rtt80-loss2", 80), ("burst-loss5", 40)])
def test_round_trip_is_the_sum_of_both_ways(name: str, rtt_ms: float) -> None:
    assert PROFILES[name].rtt_ms == rtt_ms


def test_mean_rate_follows_the_schedule() -> None:
    cut = PROFILES["cut-20-4-20"]
    assert cut.mean_rate_bps(0, 8) == 20e6
    assert cut.mean_rate_bps(8, 18) == 4e6
    assert cut.mean_rate_bps(0, 28) == pytest.approx((18 * 20e6 + 10 * 4e6) / 28)


def test_mean_rate_counts_an_outage_as_nothing() -> None:
    assert PROFILES["outage-10s"].mean_rate_bps(0, 20) == pytest.approx(10e6)


def test_who_called_is_who_moves() -> None:
    moved = PROFILES["path-change"].called_by(End.BOX)
    assert [step.moves for step in moved.steps] == [None, End.BOX, End.BOX]
    assert PROFILES["cut-20-4-20"].called_by(End.BOX) == PROFILES["cut-20-4-20"]
