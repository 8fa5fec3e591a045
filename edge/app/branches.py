"""The rungs of one media process, each with what hangs on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from board.av.decoder import AvDecoder
from board.av.shrink import FrameShrinker
from edge.config.encode import EncoderConfig
from edge.media.budget import Budget
from edge.media.distributor import Distributor
from edge.media.epochs import Epochs, Wish
from edge.media.keyframe_gate import KeyframeGate
from edge.media.ladder import LadderSpec
from edge.media.latency import LatencyBook
from edge.media.lineup import Candidate, Lineup, Standing, Verdict
from edge.media.mixer import FIRST_FORMAT
from edge.media.rate_loop import RateLoop
from edge.media.relay import Relay
from edge.media.rung import Rung
from edge.media.suspicion import Suspicion
from edge.media.trial import Trial
from edge.model.feedback import Feedback, KeyframeRequest
from edge.model.frame import AccessUnit
from edge.model.inputs import RungName
from edge.model.sink import RungSpec
from edge.model.video import WHOLE, EncodeTarget, Step
from edge.ports import Clock

_STEPS = {RungName.VIEW: Step(side=2, every=2)}


@dataclass(frozen=True, slots=True)
class Branch:
    """`takers` get each unit of this rung: its distributor, and the relays of rungs that may share it."""

    name: RungName
    config: EncoderConfig
    rung: Rung
    lineup: Lineup
    gate: KeyframeGate
    distributor: Distributor
    rates: RateLoop
    takers: list[Callable[[AccessUnit], None]] = field(default_factory=list)

    def aim(self, spec: RungSpec) -> None:
        self.rates.wish(wish_of(self.config, spec))

    def hear(self, feedback: Feedback) -> None:
        """What a receiver of this rung answers. Any thread."""
        if isinstance(feedback, KeyframeRequest):
            self.gate.request(feedback)
        else:
            self.rates.hear(feedback)


class Branches:
    """Makes an input's rungs: the first one is always there, further ones share it where the board is too weak."""

    def __init__(self, *, clock: Clock, latency: LatencyBook, budget: Budget, run_dir: Path) -> None:
        self._run_dir = run_dir
        self._clock = clock
        self._latency = latency
        self._budget = budget
        self.all: dict[RungName, Branch] = {}

    @property
    def first(self) -> Branch:
        return next(iter(self.all.values()))

    def add(self, name: RungName, config: EncoderConfig, candidates: tuple[Candidate, ...]) -> None:
        """The first one to be added is the one that the others share."""
        first = self.first if self.all else None
        gate = KeyframeGate(clock=self._clock)
        latency = self._latency if first is None else LatencyBook(clock=self._clock)
        distributor = Distributor(gate=gate, latency=latency, clock=self._clock)
        relay = (
            None
            if first is None
            else Relay(name=name, own_gate=gate, other_gate=first.gate, publish=distributor.publish)
        )
        lineup = self._lineup(name, candidates)
        takers: list[Callable[[AccessUnit], None]] = [distributor.publish]
        rung = Rung(
            name=name,
            epochs=Epochs(
                rung=name,
                lineup=lineup,
                budget=self._budget,
                clock=self._clock,
                fixed=_STEPS.get(name, WHOLE),
                relay=relay,
            ),
            wish=wish_of(config),
            gate=gate,
            publish=lambda unit: _hand_on(unit, takers),
            shrinker=FrameShrinker(),
            latency=latency,
            clock=self._clock,
            in_use=(lambda: True) if first is None else (lambda: distributor.in_use),
            relay=relay,
            first=FIRST_FORMAT if first is None else None,
        )
        if first is not None and relay is not None:
            first.takers.append(relay.offer)
        rates = self._rates(config, rung, distributor)
        self.all[name] = Branch(name, config, rung, lineup, gate, distributor, rates, takers)

    def hear(self, rung: str, feedback: Feedback) -> None:
        """What a receiver of that rung answers. Any thread."""
        self.all[RungName(rung)].hear(feedback)

    def aim(self, specs: tuple[RungSpec, ...]) -> None:
        for spec in specs:
            self.all[RungName(spec.name)].aim(spec)

    def _lineup(self, name: RungName, candidates: tuple[Candidate, ...]) -> Lineup:
        return Lineup(
            candidates=candidates,
            trial=Trial(clock=self._clock, make_decoder=AvDecoder),
            clock=self._clock,
            suspicion=Suspicion(self._run_dir / f"opening-{name}"),
        )

    def _rates(self, config: EncoderConfig, rung: Rung, distributor: Distributor) -> RateLoop:
        return RateLoop(
            wish=wish_of(config),
            aim=rung.aim,
            lowest_bps=lambda: rung.lowest_bps,
            live=lambda: rung.follows_live,
            on_demotion=distributor.demote,
            hold=rung.hold,
            clock=self._clock,
            adapts=config.adapt,
        )

    @property
    def outlets(self) -> Mapping[str, Distributor]:
        return {str(name): branch.distributor for name, branch in self.all.items()}

    def standings(self) -> tuple[Standing, ...]:
        """Of every encoder that a rung may use; where several may, what the first of them has seen of it."""
        known: dict[str, Standing] = {}
        for branch in self.all.values():
            for standing in branch.lineup.standings():
                before = known.get(standing.fact.name)
                if before is None or before.verdict is Verdict.UNTRIED:
                    known[standing.fact.name] = standing
        return tuple(known.values())

    def close(self) -> None:
        for branch in self.all.values():
            branch.distributor.close()


def wish_of(config: EncoderConfig, spec: RungSpec | None = None) -> Wish:
    """What is configured, with what is wished for now."""
    wanted = spec or RungSpec("", config.bitrate_bps, config.max_bitrate_bps, config.gop_s)
    target = EncodeTarget(
        bitrate_bps=wanted.bitrate_bps,
        max_bitrate_bps=wanted.max_bitrate_bps,
        gop_s=wanted.gop_s,
        refresh=config.refresh,
        vbv_frames=config.vbv_frames,
        slices=config.slices,
    )
    return Wish(target, LadderSpec(wanted.floor_bps, wanted.priority, config.ladder))


def _hand_on(unit: AccessUnit, takers: list[Callable[[AccessUnit], None]]) -> None:
    for take in takers:
        take(unit)
