from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from edge.media.budget import Budget, Load, load_of
from edge.media.lineup import Standing, Verdict
from edge.media.trial import TrialReport
from edge.model.video import VideoFormat
from tests.media_rungs import fact

HD60 = VideoFormat(1920, 1080, Fraction(60))
TRIAL = TrialReport(1920, 1080, 30.0, pixels_per_s=1920 * 1080 * 240)


def _software(share: float) -> Load:
    return Load("x264", False, share)


@pytest.mark.parametrize(
    ("said", "measured", "share"),
    [
        (None, 240, 0.25),
        (120, None, 0.5),
        (120, 240, 0.5),
        (480, 240, 0.25),
        (None, None, 1.0),
    ],
)
def test_load_is_by_whichever_promises_less(said: int | None, measured: int | None, share: float) -> None:
    board_says = None if said is None else said * 1920 * 1080
    trial = None if measured is None else replace(TRIAL, pixels_per_s=measured * 1920 * 1080)
    standing = Standing(fact(pixels_per_s=board_says), Verdict.FIT, trial=trial)
    assert load_of(standing, HD60).share == pytest.approx(share)


def test_software_encodes_share_the_cores() -> None:
    budget = Budget(cores=2)
    budget.enter("main", _software(0.7))
    assert budget.refusal("view", _software(0.4)) == ""
    assert "x264 needs 60%, and 70% is taken of the 120%" in budget.refusal("archive", _software(0.6))
    budget.leave("main")
    assert budget.refusal("archive", _software(0.6)) == ""


def test_hardware_encodes_share_their_encoder_and_leave_the_cores_alone() -> None:
    budget = Budget(cores=2)
    budget.enter("main", Load("bcm2835", True, 0.5))
    assert budget.refusal("archive", Load("bcm2835", True, 0.5))
    assert budget.refusal("archive", Load("bcm2835", True, 0.4)) == ""
    assert budget.refusal("archive", _software(1.1)) == ""


def test_what_a_rung_has_itself_does_not_count_against_it() -> None:
    budget = Budget(cores=2)
    budget.enter("archive", _software(1.0))
    assert budget.refusal("archive", _software(1.1)) == ""


def test_two_inputs_have_half_of_it_each() -> None:
    budget = Budget(cores=2, inputs=2)
    assert budget.refusal("main", _software(0.7))
    assert budget.refusal("main", _software(0.6)) == ""
    assert budget.refusal("main", Load("bcm2835", True, 0.5))
