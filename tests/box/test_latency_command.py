"""`edge latency` on a running box: both carriers, over SRT and over WebRTC."""

from __future__ import annotations

import json
from typing import Any

import pytest

from edge.app.cli import main
from tests.running_box import RunningBox


def measured(url: str, capsys: pytest.CaptureFixture[str], *options: str) -> dict[str, Any]:
    assert main(["latency", url, "--json", "--seconds", "2", *options]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_srt_and_whep_carry_both_times_and_they_agree(
    running_box: RunningBox, capsys: pytest.CaptureFixture[str]
) -> None:
    for url in (running_box.srt_url, f"{running_box.url}/whep/main"):
        found = measured(url, capsys)
        assert found["live"] > 10, url
        assert 0 < found["sei_ms"]["p50"] < 5000
        assert 0 < found["strip_ms"]["p50"] < 5000
        assert found["strip_minus_sei_ms"]["min"] == found["strip_minus_sei_ms"]["max"] == 0.0


def test_status_command_reads_a_real_box(running_box: RunningBox, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "--url", running_box.url]) == 0
    out = capsys.readouterr().out
    assert "picture  LIVE" in out
    assert "signal   locked, 1280x720 at 30 fps" in out
