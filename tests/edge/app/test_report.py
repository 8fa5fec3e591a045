from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from edge.app import cli_report
from edge.app.cli import main
from edge.app.cli_report import page
from edge.app.report import report_of

_TRIAL = {"width": 1920, "height": 1080, "encode_p50_ms": 4.2, "delay_frames": 0}
_RUNG = {"codec": "h264", "shares": "", "refusal": "", "degraded": False}
_ENCODER = {
    "name": "x264",
    "hardware": False,
    "rungs": [
        {"name": "main", "encoder": "x264", "target_bps": 8_000_000, **_RUNG},
        {"name": "view", "encoder": "", "target_bps": 1_500_000, **_RUNG},
    ],
    "candidates": [{"name": "x264", "verdict": "fit", "reason": "", "expected": True, "trial": _TRIAL}],
}  # fmt: skip
_FORMAT = {"width": 1920, "height": 1080, "fps": 59.94, "colorimetry": "bt709", "range": "limited"}
GOOD: dict[str, Any] = {
    "box": {"id": "box-1"},
    "versions": {"scopecast": "0.1.0"},
    "board": {"title": "Raspberry Pi 4 Model B", "why": "the device tree says raspberrypi,4-model-b"},
    "encoder": _ENCODER,
    "inputs": [
        {
            "name": "main",
            "signal": {"state": "locked", "format": _FORMAT},
            "picture": {"live": True},
            "mask": {"areas": 1, "withheld": ""},
            "latency": {"box": {"p50": 11_000, "p95": 20_000}},
        }
    ],
    "viewers": [{"glass_to_glass_ms": {"p50": 40.0, "p95": 62.0}}],
    "sinks": [
        {"name": "srt", "running": True, "state": "live", "code": "", "last_error": ""},
        {"name": "off", "running": False, "state": "stopped", "code": "x", "last_error": "x"},
    ],
    "issues": [{"code": "clock_unsynchronised", "severity": "warning"}],
}


def test_a_box_that_is_right_is_ready_line_by_line() -> None:
    report = report_of(GOOD, made_at="2026-11-24T20:00:00Z")
    assert report.ready
    assert page(report).splitlines() == [
        "COMMISSIONING REPORT",
        "made at  2026-11-24T20:00:00Z",
        "box      box-1, scopecast 0.1.0",
        "board    Raspberry Pi 4 Model B: the device tree says raspberrypi,4-model-b",
        "",
        "  ok  signal            locked, 1920x1080 at 59.94 frames/s, bt709 limited",
        "  ok  picture           live",
        "  ok  mask              1 area(s)",
        "  ok  delay in the box  p50 11.0 ms, p95 20.0 ms",
        "  ok  rung main         x264, h264, 8.0 Mbit/s",
        "  ok  encoder x264      fit, 1920x1080 in 4.2 ms, 0 held back",
        "  ok  glass to glass    p95 62 ms of 200 ms",
        "  ok  output srt        live",
        "  ok  issues            no error stands",
        "",
        "RESULT   ready",
    ]


def _put(path: str, value: object) -> Callable[[dict[str, Any]], None]:
    def change(document: dict[str, Any]) -> None:
        *way, last = path.split(".")
        at: Any = document
        for step in way:
            at = at[int(step)] if step.isdigit() else at[step]
        at[last] = value

    return change


@pytest.mark.parametrize(
    ("change", "what", "found"),
    [
        (_put("inputs.0.signal.state", "no_signal"), "signal", "no_signal"),
        (_put("inputs.0.picture", {"live": False, "reason": "no cable"}), "picture", "not live: no cable"),
        (_put("inputs.0.mask.withheld", "it does not fit"), "mask", "it does not fit"),
        (_put("inputs.0.latency.box", None), "delay in the box", "unknown"),
        (_put("inputs.0.latency.box.p95", 250_000), "delay in the box", "p95 250.0 ms"),
        (_put("encoder.rungs.0.degraded", True), "rung main", "reduced for want of bit rate"),
        (_put("encoder.rungs.1.shares", "too weak"), "rung view", "too weak"),
        (_put("encoder.rungs.0.refusal", "odd sides"), "rung main", "odd sides"),
        (_put("encoder.candidates.0.verdict", "failed"), "encoder x264", "failed"),
        (_put("encoder.candidates.0.verdict", "absent"), "encoder x264", "absent"),
        (_put("viewers", []), "glass to glass", "nobody watches"),
        (_put("viewers.0.glass_to_glass_ms.p95", 230.0), "glass to glass", "p95 230 ms"),
        (_put("sinks.0.code", "wrong_passphrase"), "output srt", "live"),
        (_put("issues.0.severity", "error"), "issues", "clock_unsynchronised"),
    ],
)
def test_each_thing_that_is_wrong_is_to_be_mended(
    change: Callable[[dict[str, Any]], None], what: str, found: str
) -> None:
    document = copy.deepcopy(GOOD)
    change(document)
    report = report_of(document, made_at="")
    [bad] = [check for check in report.checks if not check.good]
    assert bad.what == what
    assert found in bad.found
    assert page(report).endswith("RESULT   1 thing(s) to mend")


def test_an_encoder_that_the_board_need_not_have_may_be_absent() -> None:
    document = copy.deepcopy(GOOD)
    document["encoder"]["candidates"][0].update(verdict="absent", expected=False, reason="no such node")
    assert report_of(document, made_at="").ready


def test_an_empty_document_is_not_ready() -> None:
    assert not report_of({}, made_at="").ready


def test_the_command_says_by_its_exit_code_whether_the_box_is_ready(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    document = copy.deepcopy(GOOD)
    monkeypatch.setattr(cli_report.BoxHttp, "get", lambda self, path: document)
    assert main(["report", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["ready"] is True
    document["viewers"] = []
    assert main(["report"]) == 1
    assert "MEND  glass to glass" in capsys.readouterr().out
