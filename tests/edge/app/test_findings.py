from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import pytest

from edge.app.findings import Findings
from edge.media.framing import NO_PLAN
from edge.media.watch import BLACK, FROZEN, Hint
from edge.model.status import Severity
from edge.runtime.issues import Finding

_INPUT: Mapping[str, Any] = {
    "name": "main",
    "source": {"kind": "sim"},
    "signal": {"state": "locked", "detail": ""},
    "picture": {"live": True, "reason": ""},
    "encoder": {"rungs": [{"name": "main", "refusal": ""}]},
    "mask": {"withheld": ""},
    "latency": {"box": {"p50": 8_000, "p95": 20_000, "p99": 30_000}},
}
_WELL: Mapping[str, Any] = {
    "inputs": [_INPUT],
    "sinks": [{"name": "srt", "code": "", "last_error": ""}],
    "viewers": [],
}


def _input(name: str = "main", **changed: Any) -> Mapping[str, Any]:
    """The document of a box whose one input differs so."""
    return {**_WELL, "inputs": [{**_INPUT, "name": name, **changed}]}


def _found(
    findings: Findings,
    document: Mapping[str, Any] = _WELL,
    *,
    media_up: bool = True,
    rtc_up: bool = True,
    parts: Sequence[Mapping[str, Any]] = (),
    now_s: float = 100.0,
) -> list[Finding]:
    reported = {entry["name"]: parts for entry in document["inputs"]} if media_up else {}
    found = list(findings.look(document, parts=reported, rtc_up=rtc_up, now_s=now_s))
    assert all(finding.suggestion for finding in found), "every issue says what to do"
    return found


def _codes(findings: Findings, document: Mapping[str, Any] = _WELL, **more: Any) -> list[str]:
    return [finding.code for finding in _found(findings, document, **more)]


def test_box_that_is_well_has_no_findings() -> None:
    assert _codes(Findings()) == []


@pytest.mark.parametrize("state", ["no_device", "no_cable", "no_signal", "no_lock", "out_of_range"])
def test_each_lost_signal_has_its_own_code(state: str) -> None:
    assert _codes(Findings(), _input(signal={"state": state, "detail": "x"})) == [f"signal_{state}"]


HD = {"width": 1920, "height": 1080, "fps": 59.94}
PRESET = {"name": "endoscopy", "modes": ["1920x1080@60", "1280x720@60"]}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"mask": {"withheld": "made for 640x480"}, "picture": {"live": False}}, ["picture_withheld"]),
        ({"mask": {"withheld": NO_PLAN}, "picture": {"live": False}}, []),
        ({"mask": {"withheld": ""}}, []),
        ({"crop": {"rect": None, "trouble": "crop was made for 640x480"}}, ["crop_not_applied"]),
        ({"crop": {"rect": [0, 0, 9, 9], "trouble": ""}}, []),
        ({"preset": PRESET, "signal": {"state": "locked", "format": HD}}, []),
        ({"preset": PRESET, "signal": {"state": "locked", "format": {**HD, "fps": 50.0}}}, ["preset_mode_absent"]),
        ({"preset": PRESET, "signal": {"state": "locked", "format": {**HD, "width": 720}}}, ["preset_mode_absent"]),
        ({"preset": PRESET, "signal": {"state": "locked", "format": None}}, []),
        ({"preset": {"name": "none", "modes": []}, "signal": {"state": "locked", "format": HD}}, []),
    ],
)
def test_what_of_mask_crop_and_preset_is_not_as_wanted_is_said(change: Mapping[str, Any], code: list[str]) -> None:
    assert _codes(Findings(), {**_input(**change), **change}) == code


def test_absent_mode_is_named_beside_those_wanted_and_is_no_alarm() -> None:
    document = {**_WELL, "preset": PRESET, "signal": {"state": "locked", "format": {**HD, "fps": 50.0}}}
    (finding,) = _found(Findings(), document)
    assert finding.severity is Severity.INFO
    assert finding.detail == "the source delivers 1920x1080@50, the preset wants one of 1920x1080@60, 1280x720@60"


def test_advice_of_a_stream_does_not_speak_of_cables() -> None:
    document = _input(source={"kind": "url"}, signal={"state": "no_signal", "detail": "end of file"})
    (finding,) = _found(Findings(), document)
    assert "address" in finding.suggestion
    assert finding.detail == "end of file"


def test_locked_signal_without_a_live_picture_is_named() -> None:
    document = _input(picture={"live": False, "reason": "the source repeats one picture"})
    assert _codes(Findings(), document) == ["picture_not_live"]


def test_withheld_picture_is_named_and_not_called_frozen_too() -> None:
    document = _input("second", picture={"live": False}, mask={"withheld": "no mask fits 640x480"})
    (finding,) = _found(Findings(), document)
    assert (finding.code, finding.subject, finding.detail) == ("picture_withheld", "second", "no mask fits 640x480")


@pytest.mark.parametrize("hint", [BLACK, FROZEN])
def test_hint_of_a_locked_picture_is_a_warning_with_its_sentence(hint: Hint) -> None:
    document = _input("second", picture={"live": True, "reason": "", "hint": asdict(hint)})
    (finding,) = _found(Findings(), document)
    assert (finding.code, finding.subject, finding.detail) == (hint.code, "second", hint.detail)
    assert finding.severity is Severity.WARNING


def test_frozen_picture_is_an_error_with_a_hint_beside_it() -> None:
    picture = {"live": False, "reason": "the source repeats one picture", "hint": asdict(FROZEN)}
    assert _codes(Findings(), _input(picture=picture)) == ["picture_not_live", "frozen_picture"]


def test_short_restart_of_a_process_is_no_issue_and_a_long_absence_is() -> None:
    findings = Findings()
    assert _codes(findings, media_up=False, now_s=100) == []
    assert _codes(findings, media_up=False, now_s=102.9) == []
    assert _codes(findings, media_up=False, now_s=103) == ["media_down"]
    assert _codes(findings, now_s=104) == []
    assert _codes(findings, media_up=False, now_s=105) == [], "it counts anew"


def test_signal_is_not_judged_while_nobody_reports_it() -> None:
    document = _input(signal={"state": "no_device", "detail": ""}, picture={"live": False})
    assert _codes(Findings(), document, media_up=False) == []


def test_output_in_trouble_is_named_with_its_words() -> None:
    sink = {"name": "expert", "code": "wrong_passphrase", "last_error": "refused by the peer"}
    (finding,) = _found(Findings(), {**_WELL, "sinks": [sink]})
    assert (finding.code, finding.subject, finding.detail) == ("output_wrong_passphrase", "expert", sink["last_error"])


def test_refused_format_and_failing_part_are_named() -> None:
    document = _input(encoder={"rungs": [{"name": "main", "refusal": "too small"}]})
    part = {"name": "capture", "state": "failed", "restarts": 5, "last_error": "boom"}
    assert _codes(Findings(), document, parts=[part]) == ["component_failing", "encoder_refuses"]
    assert _codes(Findings(), parts=[{**part, "state": "running"}]) == []


def test_latency_over_budget_must_last_five_seconds() -> None:
    findings = Findings()
    slow = {**_WELL, "viewers": [{"rung": "main", "glass_to_glass_ms": {"p50": 150, "p95": 201}}]}
    assert _codes(findings, slow, now_s=10) == []
    assert _codes(findings, slow, now_s=14.9) == []
    assert _codes(findings, slow, now_s=15) == ["latency_budget_exceeded"]
    assert _codes(findings, now_s=16) == []
    assert _codes(findings, slow, now_s=17) == [], "it counts anew"


def test_trouble_from_start_up_stays() -> None:
    assert _codes(Findings(standing=["srt.x.passphrase_file: cannot read"])) == ["start_up"]


def test_trouble_of_another_input_has_its_name_as_subject() -> None:
    findings = Findings()
    second = {
        **_INPUT,
        "name": "second",
        "signal": {"state": "no_cable", "detail": ""},
        "latency": {"box": {"p95": 300_000}},
    }
    document = {**_WELL, "inputs": [_INPUT, second]}
    part = {"name": "capture", "state": "failed", "restarts": 5, "last_error": "boom"}
    _found(findings, document)
    reported = {"main": (), "second": [part]}
    found = findings.look(document, parts=reported, rtc_up=True, now_s=105)
    assert [(finding.code, finding.subject) for finding in found] == [
        ("signal_no_cable", "second"),
        ("component_failing", "second/capture"),
        ("latency_budget_exceeded", "second"),
    ]


def test_each_media_process_is_missed_by_itself() -> None:
    findings = Findings()
    document = {**_WELL, "inputs": [_INPUT, {**_INPUT, "name": "second"}]}
    for now_s, expected in ((100, []), (104, ["second"])):
        found = findings.look(document, parts={"main": ()}, rtc_up=True, now_s=now_s)
        assert [finding.subject for finding in found if finding.code == "media_down"] == expected


def test_viewer_of_the_rung_view_counts_against_the_first_input() -> None:
    findings = Findings()
    slow = {**_WELL, "viewers": [{"rung": "view", "glass_to_glass_ms": {"p50": 150, "p95": 201}}]}
    _found(findings, slow, now_s=10)
    assert _codes(findings, slow, now_s=15) == ["latency_budget_exceeded"]


def test_viewer_counts_against_the_input_that_it_watches() -> None:
    findings = Findings()
    slow = {"rung": "second", "glass_to_glass_ms": {"p50": 150, "p95": 201}}
    document = {**_WELL, "inputs": [_INPUT, {**_INPUT, "name": "second"}], "viewers": [slow]}
    _found(findings, document, now_s=10)
    (finding,) = _found(findings, document, now_s=15)
    assert (finding.code, finding.subject) == ("latency_budget_exceeded", "second")
