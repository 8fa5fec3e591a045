from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from edge.app.viewer_findings import ViewerFindings
from edge.runtime.issues import Finding


def _document(reason: str, *, live: bool = True, rung: str = "main", name: str = "viewer-1") -> Mapping[str, Any]:
    seen = {"live": not reason, "reason": reason}
    return {
        "inputs": [{"name": "main", "picture": {"live": live}}, {"name": "second", "picture": {"live": False}}],
        "viewers": [{"name": name, "rung": rung, "seen": seen}],
    }


def _found(findings: ViewerFindings, document: Mapping[str, Any], now_s: float) -> list[Finding]:
    return list(findings.look(document, now_s=now_s))


@pytest.mark.parametrize(
    "reason", ["old", "missing", "repeat", "decoder", "no_frame", "no_time", "clock", "later_code"]
)
def test_viewer_without_a_live_picture_for_two_seconds_is_named(reason: str) -> None:
    findings = ViewerFindings()
    assert _found(findings, _document(reason), 10) == []
    assert _found(findings, _document(reason), 11.9) == []
    (finding,) = _found(findings, _document(reason), 12)
    assert (finding.code, finding.subject) == ("viewer_not_live", "viewer-1")
    assert "NOT LIVE" in finding.detail
    assert finding.suggestion


@pytest.mark.parametrize(
    "document",
    [
        _document(""),
        _document("flag"),
        _document("hidden"),
        _document("old", live=False),
        _document("old", rung="second"),
        {**_document("old"), "viewers": [{"name": "viewer-1", "rung": "main", "seen": None}]},
        {**_document("old"), "viewers": []},
    ],
)
def test_no_alarm_without_a_contradiction(document: Mapping[str, Any]) -> None:
    findings = ViewerFindings()
    assert _found(findings, document, 10) == _found(findings, document, 20) == []


def test_rung_view_belongs_to_the_first_input() -> None:
    findings = ViewerFindings()
    _found(findings, _document("old", rung="view"), 10)
    assert len(_found(findings, _document("old", rung="view"), 20)) == 1


def test_time_counts_anew_after_a_live_picture_and_per_viewer() -> None:
    findings = ViewerFindings()
    _found(findings, _document("old"), 10)
    _found(findings, _document(""), 11)
    assert _found(findings, _document("old"), 12) == []
    assert _found(findings, _document("old", name="viewer-2"), 14) == []
