"""What an uplink test means for the stream that is to go over it. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from edge.measure.uplink import Stretch
from edge.measure.uplink_ramp import Ramp
from edge.model.errors import Fault

LEAST_LATENCY_MS = 120
ROUND_TRIPS = 4
WITH_AGAIN = 1.25  # the stream, and a quarter for what is sent again and for packaging
_BARELY = 1.1
_MUCH_LOSS = 0.05


class Verdict(StrEnum):
    GOOD = "good"
    TIGHT = "tight"
    NOT_ENOUGH = "not_enough"


@dataclass(frozen=True, slots=True)
class Need:
    """A stream of that bit rate; below `floor_bps` (0: none is known) it is of no use. `whose`: who says so."""

    bitrate_bps: int
    whose: str
    floor_bps: int = 0


@dataclass(frozen=True, slots=True)
class Finding:
    """`latency_ms` is the SRT latency to set; `headroom` what the capacity has above `needed_bps`, as a share of it.

    `advised_bps` is the bit rate that fits, None where the one that is needed does.
    """

    capacity_bps: int
    full_at_bps: int | None
    sender_limited: bool
    steady: bool
    idle: Stretch
    held: Stretch
    latency_ms: int
    need: Need
    needed_bps: int
    headroom: float
    verdict: Verdict
    advised_bps: int | None
    advice: str


def finding_of(ramp: Ramp, need: Need) -> Finding:
    """Of a test that is over."""
    if ramp.idle is None or ramp.held is None:
        raise Fault("an uplink test is judged before its end")
    needed_bps = round(need.bitrate_bps * WITH_AGAIN)
    verdict, advised_bps, advice = _judged(ramp, ramp.held, need, needed_bps)
    return Finding(
        capacity_bps=ramp.capacity_bps,
        full_at_bps=ramp.full_at_bps,
        sender_limited=ramp.sender_limited,
        steady=ramp.steady,
        idle=ramp.idle,
        held=ramp.held,
        latency_ms=latency_ms(ramp.held.rtt_p95_ms),
        need=need,
        needed_bps=needed_bps,
        headroom=ramp.capacity_bps / needed_bps - 1,
        verdict=verdict,
        advised_bps=advised_bps,
        advice=advice,
    )


def latency_ms(rtt_ms: float) -> int:
    """Four round trips, time for a packet to be sent three times over; in tens."""
    return max(LEAST_LATENCY_MS, math.ceil(ROUND_TRIPS * rtt_ms / 10) * 10)


def _judged(ramp: Ramp, held: Stretch, need: Need, needed_bps: int) -> tuple[Verdict, int | None, str]:
    fits_bps = int(ramp.capacity_bps / WITH_AGAIN) // 100_000 * 100_000
    if ramp.capacity_bps < _BARELY * need.bitrate_bps:
        return Verdict.NOT_ENOUGH, fits_bps, _less(fits_bps, need)
    if ramp.capacity_bps < needed_bps:
        return Verdict.TIGHT, fits_bps, _less(fits_bps, need)
    if not ramp.steady:
        return Verdict.TIGHT, None, "the path does not keep its rate; use a wired one, or find out who shares it"
    if held.loss > _MUCH_LOSS:
        return Verdict.TIGHT, None, f"{held.loss:.0%} is lost on the way without being full; use a wired path"
    return Verdict.GOOD, None, "send as configured"


def _less(fits_bps: int, need: Need) -> str:
    if fits_bps < max(need.floor_bps, 100_000):
        least = f"the floor of {need.whose} ({need.floor_bps / 1e6:.1f} Mb/s)" if need.floor_bps else "any picture"
        return f"this uplink is too small for {least}; find another"
    return f"lower the bit rate to {fits_bps / 1e6:.1f} Mb/s, or find a larger uplink"
