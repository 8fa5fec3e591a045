from __future__ import annotations

import pytest

from edge.measure.uplink import Stretch
from edge.measure.uplink_ramp import Ramp, RampSpec
from edge.measure.uplink_verdict import Finding, Need, Verdict, finding_of, latency_ms
from edge.model.errors import Fault

_IDLE = Stretch(200_000, 200_000, 200_000, 40.0, 41.0)
_NEED = Need(8_000_000, "preset endoscopy", 2_500_000)


def found(capacity_bps: int, *, steady: bool = True, loss: float = 0.0, rtt_ms: float = 45.0) -> Finding:
    held = Stretch(capacity_bps, capacity_bps, capacity_bps, 42.0, rtt_ms, loss=loss)
    ramp = Ramp(RampSpec(25_000_000), None, _IDLE, held, capacity_bps=capacity_bps, full_at_bps=1, steady=steady)
    return finding_of(ramp, _NEED)


@pytest.mark.parametrize(
    ("capacity_mbps", "verdict", "advised_mbps", "advice"),
    [
        (25.0, Verdict.GOOD, None, "send as configured"),
        (10.0, Verdict.GOOD, None, "send as configured"),
        (9.99, Verdict.TIGHT, 7.9, "lower the bit rate to 7.9 Mb/s, or find a larger uplink"),
        (8.8, Verdict.TIGHT, 7.0, "lower the bit rate to 7.0 Mb/s, or find a larger uplink"),
        (8.7, Verdict.NOT_ENOUGH, 6.9, "lower the bit rate to 6.9 Mb/s, or find a larger uplink"),
        (3.2, Verdict.NOT_ENOUGH, 2.5, "lower the bit rate to 2.5 Mb/s, or find a larger uplink"),
        (3.0, Verdict.NOT_ENOUGH, 2.4, "this uplink is too small for the floor of preset endoscopy (2.5 Mb/s)"),
    ],
)
def test_verdict_is_by_bit_rate_and_a_quarter(
    capacity_mbps: float, verdict: Verdict, advised_mbps: float | None, advice: str
) -> None:
    finding = found(round(capacity_mbps * 1e6))
    assert finding.verdict is verdict
    assert finding.advised_bps == (None if advised_mbps is None else round(advised_mbps * 1e6))
    assert finding.advice.startswith(advice)


def test_headroom_is_over_what_is_needed() -> None:
    finding = found(12_000_000)
    assert finding.needed_bps == 10_000_000
    assert finding.headroom == pytest.approx(0.2)


def test_path_that_does_not_keep_its_rate_is_tight() -> None:
    finding = found(25_000_000, steady=False)
    assert (finding.verdict, finding.advised_bps) == (Verdict.TIGHT, None)


def test_much_loss_is_tight_and_said() -> None:
    finding = found(25_000_000, loss=0.08)
    assert finding.verdict is Verdict.TIGHT
    assert finding.advice.startswith("8% is lost on the way")


def test_without_a_floor_it_says_that_no_picture_fits() -> None:
    ramp = Ramp(RampSpec(25_000_000), None, _IDLE, _IDLE, capacity_bps=90_000, steady=True)
    assert "too small for any picture" in finding_of(ramp, Need(8_000_000, "as asked for")).advice


@pytest.mark.parametrize(
    ("rtt_ms", "latency"), [(0.2, 120), (30.0, 120), (30.1, 130), (45.0, 180), (100.0, 400), (251.3, 1010)]
)
def test_latency_is_four_round_trips_and_120_at_least(rtt_ms: float, latency: int) -> None:
    assert latency_ms(rtt_ms) == latency
    assert found(25_000_000, rtt_ms=rtt_ms).latency_ms == latency


def test_test_that_is_not_over_is_not_judged() -> None:
    with pytest.raises(Fault):
        finding_of(Ramp.begin(RampSpec(1_000_000)), _NEED)
