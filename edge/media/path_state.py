"""How much one receiver's path carries, judged by its reports: less at once, more by trying.

A path is full when packets wait on it longer than they usually do, or when more than usual are lost. What it then
delivers is what it carries; less than that is sent until what waits is gone. More than that is tried again after a
while, a little first and then more and more; each try that fails makes the next one come later.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from edge.model.feedback import LinkReport

_FULL_MS = 60.0  # so long a wait beyond the usual one, twice, is a queue
_FILLING_MS = 20.0  # above this one that grows is
_FILLING = 0.1  # seconds of wait more in each second
_DRAINING = 0.05
_OWN_MS = 40.0  # a picture's packets leave over most of its interval: so long a wait here is no queue
_SUDDEN_NS = 1_500_000_000
_AT_FIRST, _AT_FIRST_NS = 0.25, 1_000_000_000  # no less than that at once: it may be that nothing arrives any more
_CLEAR_MS = 15.0
_TIMES_JITTER = 3.0
_LOSS_AT_ONCE, _LOSS_MORE = 0.3, 0.05  # the latter beyond the usual one
_LASTING_NS = 1_500_000_000
_LOSS_TOLD_NS = 1_200_000_000  # for so long reports tell of the same losses
_SETTLE_S = 1.0
_MOST_USUAL_LOSS = 0.1
_JITTER_S, _RISE_OF_USUAL_S, _FALL_OF_USUAL_S = 3.0, 10.0, 1.0  # over which the usual is averaged
_PART = 0.92  # of what a path carries: the rest is for retransmissions and for pictures of uneven size
_DRAIN_S = 1.0  # in which what waits shall be gone
_LEAST_DRAIN = 0.4
_PATIENCE_NS, _MOST_PATIENCE_NS = 2_000_000_000, 6_000_000_000
_RISE, _MOST_RISE = 0.1, 0.6  # of the rate, in a second
_RISE_DOUBLES_S = 1.5
_PROVEN = 1.1  # times what it carried: beyond that the path has changed
_IDLE = 0.05
_USED = 0.5  # who does not use what is allowed proves nothing
_SILENT = 0.5


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a rung may be asked for, in bit/s."""

    floor_bps: int
    ceiling_bps: int

    def hold(self, bitrate_bps: float) -> float:
        return max(self.floor_bps, min(self.ceiling_bps, bitrate_bps))


@dataclass(frozen=True, slots=True)
class Usual:
    """What is normal on a path that is not full: how long packets wait, how that differs from report to report,
    what is lost."""

    wait_ms: float = 0.0
    jitter_ms: float = 0.0
    loss: float = 0.0

    def after(self, look: _Look) -> Usual:
        """A queue that builds up must not become usual: only what differs to and fro counts as jitter."""
        seconds = _RISE_OF_USUAL_S if look.wait_ms > self.wait_ms else _FALL_OF_USUAL_S
        moved_ms = abs(look.growth) * 1000 * look.elapsed_s
        loss = min(look.report.loss, _MOST_USUAL_LOSS)
        return Usual(
            self.wait_ms + look.elapsed_s / seconds * (look.wait_ms - self.wait_ms),
            self.jitter_ms + look.elapsed_s / _JITTER_S * (moved_ms - self.jitter_ms),
            self.loss + look.elapsed_s / _RISE_OF_USUAL_S * (loss - self.loss),
        )

    def settled(self, look: _Look) -> Usual:
        """A wait that stays although less is sent than the path carries is the path's own."""
        return replace(self, wait_ms=self.wait_ms + look.elapsed_s / _SETTLE_S * (look.wait_ms - self.wait_ms))

    def beyond(self, wait_ms: float) -> float:
        """How much longer than jitter explains."""
        return wait_ms - self.wait_ms - _TIMES_JITTER * self.jitter_ms


@dataclass(frozen=True, slots=True)
class PathState:
    """`allowed_bps` may be sent now. `carries_bps` is what the path carried when it was last full, None before that.

    `full`: something waits on it still; `before_bps` was allowed until it became full, at `full_since_ns`.
    `quiet_since_ns`: since when nothing waits. `rise` is by how much more is tried in a second. `silent`: no report
    has come for a while; what was lost then says nothing of the path as it is, until `lenient_until_ns`.
    `waits_ms` are the last two reports', newest last.
    """

    allowed_bps: float
    seen_ns: int
    carries_bps: float | None = None
    waits_ms: tuple[float, float] = (0.0, 0.0)
    usual: Usual = Usual()
    full: bool = False
    quiet_since_ns: int = 0
    lossy_since_ns: int | None = None
    patience_ns: int = _PATIENCE_NS
    rise: float = _RISE
    silent: bool = False
    lenient_until_ns: int = 0
    before_bps: float = 0.0
    full_since_ns: int = 0


@dataclass(frozen=True, slots=True)
class _Look:
    """One report beside the ones before. `growth`: seconds of wait more in each second."""

    report: LinkReport
    elapsed_s: float
    wait_ms: float
    growth: float
    over_ms: float  # what both of the last two waits are beyond the usual

    @classmethod
    def at(cls, state: PathState, report: LinkReport, now_ns: int) -> _Look:
        elapsed_s = max(0.001, min(1.0, (now_ns - state.seen_ns) / 1e9))
        wait_ms = report.queue_ms + max(0.0, report.backlog_ms - _OWN_MS)
        over_ms = state.usual.beyond(min(wait_ms, state.waits_ms[-1]))
        return cls(report, elapsed_s, wait_ms, (wait_ms - state.waits_ms[-1]) / 1000 / elapsed_s, over_ms)


def fresh(bounds: Bounds, now_ns: int) -> PathState:
    """Of a path that has not shown what it carries: everything is allowed."""
    return PathState(bounds.ceiling_bps, now_ns, quiet_since_ns=now_ns)


def heard(state: PathState, report: LinkReport, bounds: Bounds, now_ns: int) -> PathState:
    """The state after that report. Pure."""
    if not report.delivered_bps and (report.sent_bps or report.backlog_ms > _OWN_MS):
        return unheard(state, bounds)
    if report.sent_bps < _IDLE * state.allowed_bps:
        return _idle(state, now_ns)
    if state.silent:
        state = _back(state, now_ns)
    look = _Look.at(state, report, now_ns)
    lossy_since_ns = _lossy_since(state, report, now_ns)
    after = replace(
        state,
        seen_ns=now_ns,
        waits_ms=(state.waits_ms[-1], look.wait_ms),
        lossy_since_ns=lossy_since_ns,
        silent=False,
    )
    lossy = (
        lossy_since_ns is not None
        and now_ns >= state.lenient_until_ns
        and (now_ns - lossy_since_ns >= _LASTING_NS or report.loss > _LOSS_AT_ONCE)
    )
    if lossy or look.over_ms > _FULL_MS or (look.over_ms > _FILLING_MS and look.growth > _FILLING):
        after = _fuller(after, look, now_ns, lossy=lossy)
    elif not state.full:
        after = _tried(after, look, now_ns)
    elif state.usual.beyond(look.wait_ms) < _CLEAR_MS:
        after = replace(
            after, full=False, quiet_since_ns=now_ns, rise=_RISE, allowed_bps=_PART * (state.carries_bps or 0)
        )
    elif abs(look.growth) < _FILLING:
        after = replace(after, usual=after.usual.settled(look))
    allowed_bps = after.allowed_bps if report.limit_bps is None else min(after.allowed_bps, report.limit_bps)
    return replace(after, allowed_bps=bounds.hold(allowed_bps))


def unheard(state: PathState, bounds: Bounds) -> PathState:
    """The state when nothing arrives: whether the path carries anything is not known. Pure.

    If it became full just before, that was the same event and said nothing of what the path carries.
    """
    if state.silent:
        return state
    sudden = state.full and state.seen_ns - state.full_since_ns < _SUDDEN_NS
    known_bps = state.before_bps if sudden else state.allowed_bps
    return replace(state, silent=True, before_bps=known_bps, allowed_bps=bounds.hold(_SILENT * known_bps))


def _idle(state: PathState, now_ns: int) -> PathState:
    """Hardly anything is sent: that tells nothing of the path but that what waited is on its way out."""
    back_bps = _PART * (state.carries_bps or 0) if state.full else 0
    return replace(
        state,
        seen_ns=now_ns,
        waits_ms=(0.0, 0.0),
        full=False,
        silent=False,
        quiet_since_ns=now_ns if state.full else state.quiet_since_ns,
        lossy_since_ns=None,
        allowed_bps=max(state.allowed_bps, back_bps),
    )


def _back(state: PathState, now_ns: int) -> PathState:
    """Reports come again: back to what was allowed before, in a few steps."""
    return replace(
        state,
        carries_bps=state.before_bps / _PART,
        waits_ms=(0.0, 0.0),
        full=False,
        quiet_since_ns=now_ns,
        lossy_since_ns=None,
        lenient_until_ns=now_ns + _LASTING_NS,
    )


def _lossy_since(state: PathState, report: LinkReport, now_ns: int) -> int | None:
    if report.loss <= state.usual.loss + _LOSS_MORE:
        return None
    return now_ns if state.lossy_since_ns is None else state.lossy_since_ns


def _fuller(state: PathState, look: _Look, now_ns: int, *, lossy: bool) -> PathState:
    """The path does not carry what is sent."""
    if state.full and look.growth < -_DRAINING and not lossy:
        return state
    carries_bps = float(look.report.delivered_bps)
    if look.growth > 0 and look.report.sent_bps > carries_bps:
        carries_bps = min(carries_bps, look.report.sent_bps / (1 + look.growth))
    if state.full and state.carries_bps is not None:
        carries_bps = min(carries_bps, state.carries_bps)
    carries_bps = max(carries_bps, state.allowed_bps / 4)  # one report alone does not tell of less
    if not state.full:
        tried = state.carries_bps is not None and state.allowed_bps > state.carries_bps * _PART
        patience_ns = min(_MOST_PATIENCE_NS, 2 * state.patience_ns) if tried else _PATIENCE_NS
        before_bps = state.allowed_bps
        state = replace(state, full=True, full_since_ns=now_ns, before_bps=before_bps, patience_ns=patience_ns)
    drain = max(_LEAST_DRAIN, 1 - max(0.0, look.over_ms) / 1000 / _DRAIN_S)
    least_bps = _AT_FIRST * state.before_bps if now_ns - state.full_since_ns < _AT_FIRST_NS else 0.0
    if lossy:
        state = replace(state, lenient_until_ns=now_ns + _LOSS_TOLD_NS)
    fitting_bps = max(least_bps, _PART * drain * carries_bps)
    return replace(state, carries_bps=carries_bps, allowed_bps=min(state.allowed_bps, fitting_bps))


def _tried(state: PathState, look: _Look, now_ns: int) -> PathState:
    """Nothing waits: more is allowed, where that is used."""
    report, usual = look.report, state.usual
    if state.carries_bps is None:
        unusual = state.lossy_since_ns is not None or usual.beyond(look.wait_ms) > _CLEAR_MS
        return replace(state, usual=usual if unusual else usual.after(look), allowed_bps=float("inf"))
    back_bps = _PART * state.carries_bps
    if state.allowed_bps < back_bps:
        return replace(state, allowed_bps=min(back_bps, state.allowed_bps * (1 + _MOST_RISE * look.elapsed_s)))
    if now_ns - state.quiet_since_ns < state.patience_ns or report.sent_bps < _USED * state.allowed_bps:
        return replace(state, usual=usual.after(look))
    if state.lossy_since_ns is not None or usual.beyond(look.wait_ms) > _CLEAR_MS:
        return state
    proven = state.allowed_bps > _PROVEN * state.carries_bps
    rise = min(_MOST_RISE, state.rise * 2 ** (look.elapsed_s / _RISE_DOUBLES_S)) if proven else state.rise
    return replace(state, rise=rise, allowed_bps=state.allowed_bps * (1 + rise * look.elapsed_s))
