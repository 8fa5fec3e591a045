"""One rung's rate control at work: reports from any thread in, the rung's aim and demotions out."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

from edge.media.epochs import Wish
from edge.media.path_state import Bounds
from edge.media.rate_controller import Decision, RateState, step
from edge.model.feedback import Demotion, LinkReport
from edge.ports import Clock
from edge.runtime.component import Context

_TURN_S = 0.05
_MOST_REPORTS = 256
_NOTEWORTHY = 0.02  # of the rate
_NARROW = 0.9  # of what is wished for
_STEEP = 0.7  # of the rate: so much less all at once is a path that has changed
_UNHEARD_MS, _LONGEST_HOLD_MS = 80.0, 200.0  # what has come to wait since the report
_HOLD_AGAIN_NS = 1_000_000_000
_COARSE_DOWN, _COARSE_UP, _COARSE_NS = 0.8, 1.3, 5_000_000_000  # where each change costs a new epoch


@dataclass(frozen=True, slots=True)
class RateReport:
    """`governing`: the receiver whose path sets the rate, empty without one. `narrow_s`: for how long it has carried
    clearly less than is wished for, 0 while it does not."""

    wished_bps: int
    governing: str
    demoted: tuple[str, ...]
    narrow_s: float


class RateLoop:
    """`aim` sets what the rung encodes, `on_demotion` tells a receiver's sink; both are called from its thread.
    `hold` has the rung encode nothing for so many ns: an encoder takes half a second to follow a lower rate, in which
    a path that has become narrow all at once would lose what it gets.

    `adapts` False: the rate stays as wished, whatever the paths carry. `lowest_bps`: below that the rung's last step
    would blur. `live`: whether the encoder changes its rate within an epoch.
    """

    def __init__(
        self,
        *,
        wish: Wish,
        aim: Callable[[Wish], None],
        lowest_bps: Callable[[], int],
        live: Callable[[], bool],
        on_demotion: Callable[[Demotion], None],
        hold: Callable[[int], None],
        clock: Clock,
        adapts: bool = True,
    ) -> None:
        self._wish = self._aimed = wish
        self._aim = aim
        self._lowest_bps = lowest_bps
        self._live = live
        self._on_demotion = on_demotion
        self._hold = hold
        self._clock = clock
        self._adapts = adapts
        self._lock = threading.Lock()
        self._reports: list[LinkReport] = []
        self._state = RateState()
        self._decision = Decision(wish.target.bitrate_bps, "", frozenset())
        self._changed_ns = self._hold_again_ns = 0
        self._narrow_since_ns: int | None = None

    def hear(self, report: LinkReport) -> None:
        """Any thread. While nobody listens the oldest go."""
        with self._lock:
            self._reports.append(report)
            del self._reports[:-_MOST_REPORTS]

    def wish(self, wish: Wish) -> None:
        """What is asked for from now on; at once, but not more than the governing path carries. Any thread."""
        with self._lock:
            self._wish = wish
        self.turn()

    def work(self, ctx: Context) -> None:
        ctx.ready()
        while not ctx.sleep(_TURN_S):
            self.turn()
            ctx.progress()

    def turn(self) -> None:
        """Obey what has been heard since the last one."""
        with self._lock:
            now_ns = self._clock.mono_ns()
            reports, self._reports = self._reports, []
            self._state, decision = step(self._state, reports, self._bounds(), now_ns)
            before, self._decision = self._decision, decision
            self._note_narrow(decision.bitrate_bps, now_ns)
            if decision.waits_ms and decision.bitrate_bps < _STEEP * before.bitrate_bps:
                self._let_drain(decision.waits_ms, now_ns)
            self._follow(decision.bitrate_bps, now_ns)
        for name in decision.demoted ^ before.demoted:
            self._on_demotion(Demotion(name, demoted=name in decision.demoted))

    def report(self) -> RateReport:
        decision, since_ns = self._decision, self._narrow_since_ns
        return RateReport(
            wished_bps=self._wish.target.bitrate_bps,
            governing=decision.governing,
            demoted=tuple(sorted(decision.demoted)),
            narrow_s=0.0 if since_ns is None else (self._clock.mono_ns() - since_ns) / 1e9,
        )

    def _bounds(self) -> Bounds:
        wished_bps = self._wish.target.bitrate_bps
        return Bounds(min(self._lowest_bps(), wished_bps) if self._adapts else wished_bps, wished_bps)

    def _let_drain(self, waits_ms: float, now_ns: int) -> None:
        if now_ns >= self._hold_again_ns:
            self._hold_again_ns = now_ns + _HOLD_AGAIN_NS
            self._hold(round(1e6 * min(_LONGEST_HOLD_MS, waits_ms + _UNHEARD_MS)))

    def _note_narrow(self, bitrate_bps: int, now_ns: int) -> None:
        if bitrate_bps >= _NARROW * self._wish.target.bitrate_bps:
            self._narrow_since_ns = None
        elif self._narrow_since_ns is None:
            self._narrow_since_ns = now_ns

    def _follow(self, bitrate_bps: int, now_ns: int) -> None:
        wanted = replace(self._wish, target=replace(self._wish.target, bitrate_bps=bitrate_bps))
        told_otherwise = replace(wanted, target=replace(wanted.target, bitrate_bps=self._rate_bps)) != self._aimed
        if told_otherwise or self._worth(bitrate_bps, now_ns):
            self._aimed, self._changed_ns = wanted, now_ns
            self._aim(wanted)

    def _worth(self, bitrate_bps: int, now_ns: int) -> bool:
        """Whether to change the encoder's rate for that."""
        part, whole = bitrate_bps / self._rate_bps, bitrate_bps == self._wish.target.bitrate_bps
        if self._live():
            return abs(part - 1) > _NOTEWORTHY or (whole and part != 1)
        rested = now_ns - self._changed_ns > _COARSE_NS
        return part < _COARSE_DOWN or (rested and (part > _COARSE_UP or (whole and part != 1)))

    @property
    def _rate_bps(self) -> int:
        return self._aimed.target.bitrate_bps
