"""One table per line and transport: what was measured on either side, and what was asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.bench.network_clip import FPS
from tests.bench.network_figures import Run
from tests.bench.network_targets import Transport, verdicts
from tests.bench.quality_table import table
from tests.netlab.profiles import Profile

Figure = Callable[[Run], str]
_YOUNG_MS, _OVER_LATENCY_MS = 200, 120  # what counts as 'back' after a change: over WebRTC, over SRT


@dataclass(frozen=True, slots=True)
class Column:
    """A sender and its run; None with the reason when it was not measured."""

    name: str
    run: Run | None
    reason: str = ""


def render(profile: Profile, transport: Transport, columns: Sequence[Column], *, latency_ms: int) -> str:
    """Figures, then targets with met or not met, then notes."""
    notes = [f"{column.name}: {note}" for column in columns for note in _notes(column)]
    if all(column.run is None for column in columns):
        return "\n".join(notes)
    young_ms = latency_ms + _OVER_LATENCY_MS if latency_ms else _YOUNG_MS
    rows = _figures(profile, columns, young_ms) + _targets(profile, transport, columns, latency_ms)
    head = ["", *(column.name for column in columns), "target"]
    return "\n".join((table(head, rows), *notes))


def _notes(column: Column) -> Sequence[str]:
    return [f"not measured: {column.reason}"] if column.run is None else column.run.notes


def _figures(profile: Profile, columns: Sequence[Column], young_ms: float) -> list[list[str]]:
    runs = [column.run for column in columns]
    figures = [*_FIGURES, ("share of the line", lambda run: _share(run, profile))]
    named = [(what, [_word(run, figure) for run in runs]) for what, figure in figures]
    for at_s in next((run.change_s for run in runs if run is not None), ()):
        named.append((f"first picture after the change at {at_s:g} s", [_first_after(run, at_s) for run in runs]))
        named.append((f"p95 <= {young_ms:g} ms again after", [_settled(run, at_s, young_ms) for run in runs]))
    return [[what, *words, ""] for what, words in named]


def _targets(profile: Profile, transport: Transport, columns: Sequence[Column], latency_ms: int) -> list[list[str]]:
    judged = [
        [] if column.run is None else verdicts(profile, transport, column.run, latency_ms=latency_ms)
        for column in columns
    ]
    whole = next((one for one in judged if one), [])
    rows = []
    for index, asked in enumerate(whole):
        words = [_judgement(one[index].figure, one[index].met) if one else "not measured" for one in judged]
        rows.append([asked.what, *words, asked.target])
    return rows


def _judgement(figure: str, met: bool | None) -> str:
    return figure if met is None else f"{figure}: {'met' if met else 'not met'}"


def _word(run: Run | None, figure: Figure) -> str:
    return "not measured" if run is None else figure(run)


def _late(share: float) -> Figure:
    return lambda run: _ms(run.late_ms(share))


def _freezes(run: Run) -> str:
    freezes = run.freezes_s()
    return f"{len(freezes)}, longest {_ms(max(freezes) * 1000)}" if freezes else "none"


def _lost(run: Run) -> str:
    dropped = "" if run.dropped_packets is None else f", {run.dropped_packets} packets"
    return f"{100 * run.lost:.2f} %{dropped}"


def _psnr(run: Run) -> str:
    median, worst = run.picture_db(0.5), run.picture_db(0.05)
    return (
        "not measured"
        if median is None or worst is None
        else f"{median:.1f}, worst {worst:.1f} dB of {len(run.psnr_db)}"
    )


def _share(run: Run, profile: Profile) -> str:
    room_bps = profile.mean_rate_bps(0, run.seconds)
    return f"{100 * run.rate_bps() / room_bps:.0f} %" if room_bps else "no limit"


def _queue(run: Run) -> str:
    longest_ms = run.longest_sender_queue_ms
    return "not measured" if longest_ms is None else _ms(longest_ms)


def _first_after(run: Run | None, at_s: float) -> str:
    return "not measured" if run is None else _seconds(run.first_after_s(at_s))


def _settled(run: Run | None, at_s: float, limit_ms: float) -> str:
    if run is None:
        return "not measured"
    until_s = next((later_s for later_s in run.change_s if later_s > at_s), None)
    return _seconds(run.settled_after_s(at_s, until_s, limit_ms=limit_ms))


def _ms(milliseconds: float | None) -> str:
    return "none" if milliseconds is None else f"{milliseconds:.0f} ms"


def _seconds(seconds: float | None) -> str:
    return "not before the next" if seconds is None else f"{seconds:.1f} s"


def _sent(run: Run) -> str:
    return f"{run.sent / run.seconds:.1f} of {FPS} fps"


_FIGURES: tuple[tuple[str, Figure], ...] = (
    ("encoded", _sent),
    ("glass to glass p50", _late(0.5)),
    ("glass to glass p95", _late(0.95)),
    ("glass to glass p99", _late(0.99)),
    ("freezes > 200 ms", _freezes),
    ("pictures lost", _lost),
    ("PSNR of luma, median", _psnr),
    ("rate on the line", lambda run: f"{run.rate_bps() / 1e6:.2f} Mb/s"),
    ("longest sender queue", _queue),
)
