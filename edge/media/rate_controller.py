"""One rung's bit rate out of what its receivers report: one of them governs, the others must not drag it down.

Pure: the same reports and times in, the same rates and demotions out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from edge.media.path_state import Bounds, PathState, fresh, heard, unheard
from edge.model.feedback import LinkReport, Role

_SILENT_NS = 600_000_000
_ABSENT_NS, _LONG_ABSENT_NS = 1_500_000_000, 3_000_000_000  # the latter while nobody else is there
_FORGOTTEN_NS = 30_000_000_000
_WEAK = 0.85  # of the rung's rate: who carries less is demoted
_WEAK_NS = 1_000_000_000
_RETRY_NS, _MOST_RETRY_NS = 10_000_000_000, 120_000_000_000


@dataclass(frozen=True, slots=True)
class Receiver:
    """`since_ns`: when its first report came. `weak_since_ns`: since when it carries less than the rung's rate.

    `demoted_ns`: since when it is demoted, None when it is not. `retry_ns`: for how long the next demotion holds.
    """

    role: Role
    path: PathState
    since_ns: int
    weak_since_ns: int | None = None
    demoted_ns: int | None = None
    retry_ns: int = _RETRY_NS


@dataclass(frozen=True, slots=True)
class RateState:
    """By the receivers' names."""

    receivers: Mapping[str, Receiver] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Decision:
    """`governing` is the receiver whose path sets the rate, empty while nobody's does. `waits_ms`: how long packets
    wait on its path more than usual, 0 while it is not full."""

    bitrate_bps: int
    governing: str
    demoted: frozenset[str]
    waits_ms: float = 0.0


def step(state: RateState, reports: Sequence[LinkReport], bounds: Bounds, now_ns: int) -> tuple[RateState, Decision]:
    """What is to be sent from now on. Call at least every 100 ms; `reports` are those since the last call."""
    receivers = dict(state.receivers)
    for report in reports:
        receivers[report.sink] = _after(receivers.get(report.sink), report, bounds, now_ns)
    receivers = {name: _aged(one, bounds, now_ns) for name, one in receivers.items() if _known(one, now_ns)}
    governing = _governing(receivers, now_ns)
    bitrate_bps = bounds.hold(receivers[governing].path.allowed_bps if governing else bounds.ceiling_bps)
    for name, one in receivers.items():
        receivers[name] = _promoted(one) if name == governing else _judged(one, bitrate_bps, bounds, now_ns)
    demoted = frozenset(name for name, one in receivers.items() if one.demoted_ns is not None)
    path = receivers[governing].path if governing else None
    waits_ms = path.usual.beyond(path.waits_ms[-1]) if path and path.full else 0.0
    return RateState(receivers), Decision(round(bitrate_bps), governing, demoted, max(0.0, waits_ms))


def _after(known: Receiver | None, report: LinkReport, bounds: Bounds, now_ns: int) -> Receiver:
    if known is None:
        known = Receiver(report.role, fresh(bounds, now_ns), now_ns)
    return replace(known, role=report.role, path=heard(known.path, report, bounds, now_ns))


def _known(one: Receiver, now_ns: int) -> bool:
    return now_ns - one.path.seen_ns < _FORGOTTEN_NS


def _aged(one: Receiver, bounds: Bounds, now_ns: int) -> Receiver:
    return replace(one, path=unheard(one.path, bounds)) if now_ns - one.path.seen_ns > _SILENT_NS else one


def _governing(receivers: Mapping[str, Receiver], now_ns: int) -> str:
    """A guide before observers, then who was there first."""
    silent_ns = {name: now_ns - one.path.seen_ns for name, one in receivers.items()}
    there = [name for name, silence_ns in silent_ns.items() if silence_ns < _ABSENT_NS]
    there = there or [name for name, silence_ns in silent_ns.items() if silence_ns < _LONG_ABSENT_NS]
    return min(there, key=lambda name: (receivers[name].role is not Role.GUIDE, receivers[name].since_ns), default="")


def _promoted(one: Receiver) -> Receiver:
    return replace(one, weak_since_ns=None, demoted_ns=None, retry_ns=_RETRY_NS)


def _judged(one: Receiver, bitrate_bps: float, bounds: Bounds, now_ns: int) -> Receiver:
    """Who cannot follow for a second is demoted; after a while it is tried again, later each time."""
    if one.demoted_ns is not None:
        if now_ns - one.demoted_ns < one.retry_ns or one.path.full or one.path.silent:
            return one
        retry_ns = min(_MOST_RETRY_NS, 2 * one.retry_ns)
        path = replace(fresh(bounds, now_ns), seen_ns=one.path.seen_ns)
        return replace(one, path=path, weak_since_ns=None, demoted_ns=None, retry_ns=retry_ns)
    if one.path.allowed_bps >= _WEAK * bitrate_bps:
        return replace(one, weak_since_ns=None)
    since_ns = now_ns if one.weak_since_ns is None else one.weak_since_ns
    demoted_ns = now_ns if now_ns - since_ns >= _WEAK_NS else None
    return replace(one, weak_since_ns=since_ns, demoted_ns=demoted_ns)
