from __future__ import annotations

from typing import Any

import pytest

from edge.app.encoder_findings import encoder_findings
from edge.model.status import Severity

_RUNG = {"name": "main", "refusal": "", "shares": "", "degraded": False}
_CANDIDATE = {"name": "bcm2835", "verdict": "fit", "reason": "", "expected": True}


def _entry(rung: dict[str, Any] | None = None, candidate: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"encoder": {"rungs": [{**_RUNG, **(rung or {})}], "candidates": [{**_CANDIDATE, **(candidate or {})}]}}


def test_nothing_is_wrong_with_a_fit_encoder() -> None:
    assert list(encoder_findings(_entry(), "")) == []


@pytest.mark.parametrize(
    ("verdict", "code"), [("failed", "encoder_failed"), ("unfit", "encoder_unfit"), ("absent", "encoder_absent")]
)
def test_an_encoder_that_the_board_should_have_and_that_does_not_work_is_an_issue(verdict: str, code: str) -> None:
    [found] = encoder_findings(_entry(candidate={"verdict": verdict, "reason": "no such node"}), "")
    assert (found.code, found.severity, found.subject) == (code, Severity.WARNING, "bcm2835")
    assert found.detail == "no such node"
    assert found.suggestion


@pytest.mark.parametrize("verdict", ["untried", "refused", "fit"])
def test_what_was_not_needed_or_not_for_this_format_is_none(verdict: str) -> None:
    assert list(encoder_findings(_entry(candidate={"verdict": verdict, "reason": "x"}), "")) == []


def test_one_that_the_board_need_not_have_may_be_absent() -> None:
    assert list(encoder_findings(_entry(candidate={"verdict": "absent", "expected": False}), "")) == []


@pytest.mark.parametrize(
    ("rung", "code", "severity", "detail"),
    [
        ({"refusal": "odd sides"}, "encoder_refuses", Severity.ERROR, "odd sides"),
        ({"name": "archive", "shares": "too weak"}, "second_encode_refused", Severity.WARNING, "too weak"),
        (
            {"degraded": True, "width": 960, "height": 540, "fps": 29.97, "target_bps": 900_000},
            "picture_degraded",
            Severity.WARNING,
            "960x540 at 30 frames/s goes out at 900000 bit/s",
        ),
        (
            {"narrow_s": 5.0, "governing": "viewer-2", "target_bps": 2_940_000, "wished_bps": 8_000_000},
            "uplink_narrow",
            Severity.WARNING,
            "the path to viewer-2 carries 2.9 of 8.0 Mbit/s",
        ),
    ],
)
def test_a_rung_that_is_not_what_it_should_be_is_an_issue(
    rung: dict[str, Any], code: str, severity: Severity, detail: str
) -> None:
    [found] = encoder_findings(_entry(rung=rung), "")
    assert (found.code, found.severity, found.detail) == (code, severity, detail)
    assert found.subject == rung.get("name", "main")


def test_a_path_that_is_narrow_for_a_moment_is_none() -> None:
    narrow = {"narrow_s": 4.9, "governing": "viewer-2", "target_bps": 2_900_000, "wished_bps": 8_000_000}
    assert list(encoder_findings(_entry(rung=narrow), "")) == []


def test_a_second_inputs_encoder_is_named_with_its_input() -> None:
    [found] = encoder_findings(_entry(candidate={"verdict": "failed"}), "second")
    assert found.subject == "second/bcm2835"
