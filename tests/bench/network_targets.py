"""What is asked of each line and transport, and whether a run met it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from tests.bench.network_figures import Run
from tests.netlab.profiles import Profile


class Transport(StrEnum):
    WEBRTC = "WebRTC"
    SRT = "SRT"


@dataclass(frozen=True, slots=True)
class Verdict:
    """`figure` against `target`, both as printed; `met` is None where there is no figure to judge."""

    what: str
    figure: str
    target: str
    met: bool | None


Judge = Callable[[Run, Profile, int], Verdict]
"""A run, its line, and the SRT latency in ms (0 for WebRTC)."""


def verdicts(profile: Profile, transport: Transport, run: Run, *, latency_ms: int) -> list[Verdict]:
    """Empty where nothing is asked."""
    return [judge(run, profile, latency_ms) for judge in _TARGETS.get((profile.name, transport), ())]


def _p95_below(limit_ms: float, *, over_latency: bool = False) -> Judge:
    def judge(run: Run, _profile: Profile, latency_ms: int) -> Verdict:
        limit = limit_ms + (latency_ms if over_latency else 0)
        return _at_most("p95", run.late_ms(0.95), limit, "ms")

    return judge


def _freezes_a_minute(limit: float) -> Judge:
    def judge(run: Run, _profile: Profile, _latency_ms: int) -> Verdict:
        a_minute = len(run.freezes_s()) * 60 / run.seconds
        return _at_most("freezes > 200 ms a minute", a_minute, limit, "", digits=1)

    return judge


def _longest_freeze(limit_ms: float) -> Judge:
    def judge(run: Run, _profile: Profile, _latency_ms: int) -> Verdict:
        return _at_most("longest freeze", max(run.freezes_s(), default=0.0) * 1000, limit_ms, "ms")

    return judge


def _lost(limit_percent: float) -> Judge:
    def judge(run: Run, _profile: Profile, _latency_ms: int) -> Verdict:
        return _at_most("pictures lost", 100 * run.lost, limit_percent, "%", digits=2)

    return judge


def _nothing_lost(run: Run, _profile: Profile, _latency_ms: int) -> Verdict:
    """Asked at a latency of 4 round trips, for losses in bursts of 4 to 6."""
    dropped = run.dropped_packets or 0
    figure = f"{100 * run.lost:.2f} % of pictures, {dropped} packets"
    return Verdict("residual loss", figure, "0", run.lost == 0 and dropped == 0)


def _back_after_cut(run: Run, profile: Profile, _latency_ms: int) -> Verdict:
    cut_s, wide_s = profile.changes_s[:2]
    return _at_most("p95 from 2 s after the cut", run.late_ms(0.95, cut_s + 2, wide_s), 200, "ms")


def _bandwidth_back(run: Run, profile: Profile, _latency_ms: int) -> Verdict:
    """Against what was used before the cut; the last 3 of the 15 s."""
    cut_s, wide_s = profile.changes_s[:2]
    before_bps = run.rate_bps(0, cut_s)
    share = 100 * run.rate_bps(wide_s + 12, wide_s + 15) / before_bps if before_bps else 0.0
    return Verdict("of the rate back after 15 s", f"{share:.0f} %", ">= 90 %", share >= 90)


def _queue_below(over_ms: float) -> Judge:
    def judge(run: Run, _profile: Profile, latency_ms: int) -> Verdict:
        longest_ms, limit_ms = run.longest_sender_queue_ms, latency_ms + over_ms
        if longest_ms is None:
            return Verdict("longest sender queue", "not measured", f"<= {limit_ms:g} ms", None)
        return _at_most("longest sender queue", longest_ms, limit_ms, "ms")

    return judge


def _picture_after_outage(limit_s: float) -> Judge:
    def judge(run: Run, profile: Profile, _latency_ms: int) -> Verdict:
        return _at_most("picture after the outage", run.first_after_s(profile.changes_s[1]), limit_s, "s", digits=1)

    return judge


def _at_most(what: str, figure: float | None, limit: float, unit: str, *, digits: int = 0) -> Verdict:
    shown = "none came" if figure is None else f"{figure:.{digits}f} {unit}".strip()
    return Verdict(what, shown, f"<= {limit:g} {unit}".strip(), figure is not None and figure <= limit)


_TARGETS: dict[tuple[str, Transport], Sequence[Judge]] = {
    ("lan", Transport.WEBRTC): (_p95_below(70), _freezes_a_minute(0)),
    ("lan", Transport.SRT): (_p95_below(120, over_latency=True),),
    ("rtt40-loss1", Transport.WEBRTC): (_p95_below(150), _freezes_a_minute(1)),
    ("rtt40-loss1", Transport.SRT): (_nothing_lost,),
    ("rtt80-loss2", Transport.WEBRTC): (_p95_below(200), _longest_freeze(400)),
    ("rtt80-loss2", Transport.SRT): (_nothing_lost,),
    ("cut-20-4-20", Transport.WEBRTC): (_back_after_cut, _longest_freeze(500), _bandwidth_back),
    ("cut-20-4-20", Transport.SRT): (_queue_below(100),),
    ("burst-loss5", Transport.WEBRTC): (_lost(2),),
    ("burst-loss5", Transport.SRT): (_nothing_lost,),
    ("outage-10s", Transport.WEBRTC): (_picture_after_outage(2),),
    ("outage-10s", Transport.SRT): (_picture_after_outage(5),),
}
