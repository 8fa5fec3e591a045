"""The course of an uplink test: which rate comes next, by what was seen at the one before. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from edge.measure.uplink import Stretch, congested

_TRICKLE_BPS = 200_000  # enough packets for round trips, too few for a queue
_DRAIN_S = 3.0
_HELD = 0.9
_HOLDS = 4
_LESS = 0.8


class Stage(StrEnum):
    IDLE = "idle"
    RAMP = "ramp"
    DRAIN = "drain"
    HOLD = "hold"


@dataclass(frozen=True, slots=True)
class Order:
    stage: Stage
    rate_bps: int
    seconds: float


@dataclass(frozen=True, slots=True)
class RampSpec:
    """From `least_bps` in steps of `growth` to `most_bps`."""

    most_bps: int
    least_bps: int = 1_000_000
    growth: float = 1.5
    idle_s: float = 2.0
    step_s: float = 2.0
    hold_s: float = 10.0


@dataclass(frozen=True, slots=True)
class Ramp:
    """`order` is what to send now; None when the test is over, and then `idle` and `held` are there.

    `capacity_bps` is what was found so far. `full_at_bps` is the rate at which the path was full, None where the
    test met no limit; `sender_limited`: this machine could not send more. `steady`: nine tenths of the capacity could
    be held. `usual_loss` is what the path loses without being full, as the first step shows; until then what it may.
    `doubted_bps`: a step that did not do well, which is tried once more, since a moment's trouble is no limit.
    """

    spec: RampSpec
    order: Order | None
    idle: Stretch | None = None
    held: Stretch | None = None
    usual_loss: float = 0.25
    capacity_bps: int = 0
    full_at_bps: int | None = None
    sender_limited: bool = False
    steady: bool = False
    holds: int = 0
    doubted_bps: int | None = None

    @classmethod
    def begin(cls, spec: RampSpec) -> Ramp:
        return cls(spec, Order(Stage.IDLE, _TRICKLE_BPS, spec.idle_s))

    def after(self, seen: Stretch) -> Ramp:
        """The ramp when its order has been carried out with that result."""
        match self.order.stage if self.order else None:
            case Stage.IDLE:
                return replace(self, idle=seen, order=self._step(min(self.spec.least_bps, self.spec.most_bps)))
            case Stage.RAMP:
                return self._after_step(seen)
            case Stage.DRAIN if self.full_at_bps is None and self.doubted_bps is not None:
                return replace(self, order=self._step(self.doubted_bps))
            case Stage.DRAIN:
                return self._hold()
            case Stage.HOLD:
                return self._after_hold(seen)
        return self

    def full(self, seen: Stretch) -> bool:
        """Whether that stretch met the limit of the path."""
        return self.idle is not None and congested(seen, self.idle, self.usual_loss)

    def _after_step(self, seen: Stretch) -> Ramp:
        full = self.full(seen)
        if (full or seen.starved) and self.doubted_bps != seen.rate_bps:
            return replace(self, doubted_bps=seen.rate_bps, order=_drain())
        if full:
            found = max(self.capacity_bps, seen.delivered_bps)
            return replace(self, capacity_bps=found, full_at_bps=seen.rate_bps, order=_drain())
        if seen.starved:
            found = max(self.capacity_bps, seen.delivered_bps)
            return replace(self, capacity_bps=found, sender_limited=True)._hold()
        usual = seen.loss if self.capacity_bps == 0 else self.usual_loss
        grown = replace(self, capacity_bps=seen.rate_bps, usual_loss=usual)
        if seen.rate_bps >= self.spec.most_bps:
            return grown._hold()
        return replace(grown, order=self._step(min(round(seen.rate_bps * self.spec.growth), self.spec.most_bps)))

    def _after_hold(self, seen: Stretch) -> Ramp:
        full = self.full(seen)
        ended = replace(self, held=seen, holds=self.holds + 1, steady=not full, order=None)
        if not full:
            return ended
        lower = min(round(self.capacity_bps * _LESS), max(seen.delivered_bps, _TRICKLE_BPS))
        lower_found = replace(ended, capacity_bps=lower, full_at_bps=seen.rate_bps)
        return replace(lower_found, order=_drain()) if lower_found.holds < _HOLDS else lower_found

    def _step(self, rate_bps: int) -> Order:
        return Order(Stage.RAMP, rate_bps, self.spec.step_s)

    def _hold(self) -> Ramp:
        rate_bps = max(_TRICKLE_BPS, round(self.capacity_bps * _HELD))
        return replace(self, order=Order(Stage.HOLD, rate_bps, self.spec.hold_s))


def _drain() -> Order:
    return Order(Stage.DRAIN, _TRICKLE_BPS, _DRAIN_S)
