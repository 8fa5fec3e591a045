"""Rungs and encoders as the status document shows them; the keys are those of docs/contracts/http.md."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from edge.media.lineup import Standing
from edge.media.rung import RungReport
from edge.media.trial import TrialReport


def rung_of(report: RungReport) -> Mapping[str, Any]:
    """`side` and `every`: by what the picture's sides and the frame rate are divided."""
    return {**asdict(report), "step": {"side": report.step.side, "every": report.step.every}}


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


def _trial(trial: TrialReport) -> Mapping[str, Any]:
    return {name: value for name, value in asdict(trial).items() if name != "complaints"}
