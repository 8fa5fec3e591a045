from typing import Any

import pytest

from edge.link.alarms import Alarms
from edge.link.letters import Scribe
from edge.link.outbox import Letter


def issue(code: str, subject: str = "", severity: str = "error") -> dict[str, Any]:
    return {"code": code, "subject": subject, "severity": severity, "since": "2026-01-01T00:00:00Z", "detail": "d"}


def words(letters: list[Letter]) -> list[tuple[str, str, str | None, int]]:
    return [(letter.code, letter.subject, letter.state, letter.sev) for letter in letters]


def test_an_issue_is_raised_once_and_cleared_once(scribe: Scribe) -> None:
    alarms = Alarms(scribe)
    assert words(alarms.step([issue("signal_no_signal")])) == [("signal_no_signal", "", "raised", 3)]
    assert alarms.step([issue("signal_no_signal")]) == []
    assert words(alarms.step([])) == [("signal_no_signal", "", "cleared", 3)]
    assert alarms.step([]) == []


def test_one_code_on_two_subjects_is_two_alarms(scribe: Scribe) -> None:
    alarms = Alarms(scribe)
    alarms.step([issue("output_failed", "a", "warning"), issue("output_failed", "b", "warning")])
    assert words(alarms.step([issue("output_failed", "b", "warning")])) == [("output_failed", "a", "cleared", 2)]


def test_an_info_makes_no_alarm(scribe: Scribe) -> None:
    assert Alarms(scribe).step([issue("hint", severity="info")]) == []


@pytest.mark.parametrize("issues", [None, 5, "x", [1, {}, {"code": "x"}, {"code": "x", "severity": "odd"}]])
def test_what_is_no_issue_is_passed_over(scribe: Scribe, issues: Any) -> None:
    assert Alarms(scribe).step(issues) == []
