"""The ramp over paths that are formulas."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from edge.measure.uplink import Stretch
from edge.measure.uplink_ramp import Order, Ramp, RampSpec, Stage

_MBPS = 1_000_000


@dataclass(frozen=True)
class Path:
    """`shallow`: what does not fit is lost, and not queued. `least` of this machine: what it manages to send."""

    limit_bps: float
    rtt_ms: float = 40.0
    loss: float = 0.0
    shallow: bool = False
    sender_bps: float = 1e12

    def carry(self, order: Order) -> Stretch:
        offered = min(order.rate_bps, self.sender_bps)
        full = offered > self.limit_bps
        over = 1 - self.limit_bps / offered if full else 0.0
        return Stretch(
            rate_bps=order.rate_bps,
            offered_bps=round(offered),
            delivered_bps=round(min(offered, self.limit_bps)),
            rtt_p50_ms=self.rtt_ms + (200.0 if full and not self.shallow else 0.0),
            rtt_p95_ms=self.rtt_ms + (250.0 if full and not self.shallow else 2.0),
            loss=self.loss + (over if self.shallow else 0.0),
        )


def ramped(path: Path, spec: RampSpec) -> tuple[Ramp, list[Order]]:
    ramp, orders = Ramp.begin(spec), []
    while ramp.order is not None:
        orders.append(ramp.order)
        ramp = ramp.after(path.carry(ramp.order))
    return ramp, orders


def test_course_over_a_path_without_a_limit() -> None:
    ramp, orders = ramped(Path(1e9), RampSpec(most_bps=3 * _MBPS))
    assert [(one.stage, one.rate_bps) for one in orders] == [
        (Stage.IDLE, 200_000),
        (Stage.RAMP, 1_000_000),
        (Stage.RAMP, 1_500_000),
        (Stage.RAMP, 2_250_000),
        (Stage.RAMP, 3_000_000),
        (Stage.HOLD, 2_700_000),
    ]
    assert (ramp.capacity_bps, ramp.full_at_bps, ramp.steady) == (3 * _MBPS, None, True)


def test_limit_is_let_drain_before_nine_tenths_are_held() -> None:
    ramp, orders = ramped(Path(4 * _MBPS), RampSpec(most_bps=20 * _MBPS))
    assert [(one.stage, one.rate_bps) for one in orders[-5:]] == [
        (Stage.RAMP, 5_062_500),
        (Stage.DRAIN, 200_000),
        (Stage.RAMP, 5_062_500),
        (Stage.DRAIN, 200_000),
        (Stage.HOLD, 3_600_000),
    ]
    assert (ramp.capacity_bps, ramp.full_at_bps, ramp.steady) == (4 * _MBPS, 5_062_500, True)


@pytest.mark.parametrize("shallow", [False, True])
@pytest.mark.parametrize("loss", [0.0, 0.03, 0.2])
@pytest.mark.parametrize("limit_mbps", [0.3, 0.9, 1.2, 2.0, 5.0, 7.77, 13.0, 24.0])
def test_found_capacity_is_the_limit(limit_mbps: float, loss: float, shallow: bool) -> None:
    """One that shows by loss alone does not show when it is passed by little."""
    ramp, _ = ramped(Path(limit_mbps * _MBPS, loss=loss, shallow=shallow), RampSpec(most_bps=30 * _MBPS))
    assert ramp.capacity_bps == pytest.approx(limit_mbps * _MBPS, rel=0.15)
    assert ramp.full_at_bps is not None
    assert ramp.steady


@pytest.mark.parametrize("trouble", [{"late": 0.2}, {"rtt_p50_ms": 300.0}, {"offered_bps": 500_000}])
def test_trouble_of_a_moment_is_no_limit(trouble: dict[str, float]) -> None:
    ramp, troubled = Ramp.begin(RampSpec(most_bps=5 * _MBPS)), set[int]()
    while ramp.order is not None:
        seen = Path(1e9).carry(ramp.order)
        if ramp.order.stage is Stage.RAMP and seen.rate_bps not in troubled:
            troubled.add(seen.rate_bps)
            seen = replace(seen, **trouble)  # type: ignore[arg-type]
        ramp = ramp.after(seen)
    assert (ramp.capacity_bps, ramp.full_at_bps, ramp.sender_limited) == (5 * _MBPS, None, False)


def test_loss_that_is_always_there_is_no_limit() -> None:
    ramp, _ = ramped(Path(1e9, loss=0.2), RampSpec(most_bps=20 * _MBPS))
    assert (ramp.capacity_bps, ramp.full_at_bps) == (20 * _MBPS, None)


def test_machine_that_sends_no_faster_is_not_the_path() -> None:
    ramp, _ = ramped(Path(1e9, sender_bps=4 * _MBPS), RampSpec(most_bps=20 * _MBPS))
    assert (ramp.capacity_bps, ramp.full_at_bps, ramp.sender_limited) == (4 * _MBPS, None, True)


def test_path_that_gets_worse_while_held_is_tried_lower() -> None:
    ramp = Ramp.begin(RampSpec(most_bps=8 * _MBPS))
    limit, holds = 1e9, []
    while ramp.order is not None:
        if ramp.order.stage is Stage.HOLD:
            limit = 5.5 * _MBPS
            holds.append(ramp.order.rate_bps)
        ramp = ramp.after(Path(limit).carry(ramp.order))
    assert holds == [7_200_000, 4_950_000]
    assert (ramp.capacity_bps, ramp.full_at_bps, ramp.steady) == (5_500_000, 7_200_000, True)


def test_path_that_never_holds_ends_unsteady() -> None:
    ramp = Ramp.begin(RampSpec(most_bps=8 * _MBPS))
    while ramp.order is not None:
        seen = Path(1e9).carry(ramp.order)
        ramp = ramp.after(replace(seen, late=0.1) if ramp.order.stage is Stage.HOLD else seen)
    assert ramp.holds == 4
    assert not ramp.steady
    assert ramp.held is not None


def test_ramp_that_is_over_stays_as_it_is() -> None:
    ramp, _ = ramped(Path(1e9), RampSpec(most_bps=_MBPS))
    assert ramp.after(Path(1e9).carry(Order(Stage.HOLD, 1, 1.0))) is ramp


def test_most_below_the_first_step_is_the_only_step() -> None:
    _, orders = ramped(Path(1e9), RampSpec(most_bps=500_000))
    assert [one.rate_bps for one in orders if one.stage is Stage.RAMP] == [500_000]
