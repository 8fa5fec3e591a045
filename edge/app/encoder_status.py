"""Rungs and encoders as the status document shows them; the keys are those of docs/contracts/http.md."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from edge.media.lineup import Standing
from edge.media.rate_loop import RateReport
from edge.media.rung import RungReport
from edge.media.trial import TrialReport

_HD_PIXELS = 1920 * 1080


def rung_of(report: RungReport, rates: RateReport) -> Mapping[str, Any]:
    """`side` and `every`: by what the picture's sides and the frame rate are divided."""
    step = {"side": report.step.side, "every": report.step.every}
    return {**asdict(report), "step": step, **asdict(rates), "narrow_s": round(rates.narrow_s, 1)}


def candidate_of(standing: Standing) -> Mapping[str, Any]:
    """What the board may have, and what a trial has shown of it."""
    fact = standing.fact
    return {
        "name": fact.name,
        "kind": fact.kind,
        "codec": fact.codec,
        "hardware": fact.hardware,
        "expected": fact.expected,
        "verdict": standing.verdict,
        "reason": standing.reason,
        "failures": standing.failures,
        "trial": None if standing.trial is None else _trial(standing.trial),
    }


def verdict_lines(standing: Standing) -> Iterator[str]:
    """For a technician: what an encoder is worth, and why."""
    fact, trial = standing.fact, standing.trial
    where = "hardware" if fact.hardware else "software"
    why = f": {standing.reason}" if standing.reason else ""
    yield f"{fact.name:<12} {standing.verdict} ({fact.codec} in {where}){why}"
    if trial is not None and trial.frames:
        yield (
            f"{'':<12} {trial.width}x{trial.height}: {trial.encode_p50_ms:.1f} ms a picture, "
            f"{trial.encode_max_ms:.1f} at most; {trial.delay_frames} held back; "
            f"{trial.measured_bps / 1e6:.1f} of {trial.asked_bps / 1e6:.1f} Mbit/s; "
            f"manages {trial.pixels_per_s / _HD_PIXELS:.0f} pictures of 1080p a second"
        )


def _trial(trial: TrialReport) -> Mapping[str, Any]:
    return {name: value for name, value in asdict(trial).items() if name != "complaints"}
