"""The whole box on a real driver: what the status says while a cable comes and goes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.running_box import RunningBox
from tests.vm import lab

MODE, TIMINGS, SELECTED = "DV Timings Signal Mode", "DV Timings", "Selected DV Timings"
PATIENCE_S = 200.0  # processes start slowly in the machine


@pytest.mark.timeout(600)
def test_the_box_shows_the_cable_says_when_it_goes_and_comes_back(hdmi: lab.Vivid, tmp_path: Path) -> None:
    hdmi.set_control(TIMINGS, next(entry for entry in hdmi.menu(TIMINGS) if entry.startswith("640x480p59")))
    hdmi.set_control(MODE, SELECTED)
    with RunningBox(tmp_path / "box", "source.kind=v4l2", "encoder.bitrate_bps=1000000") as box:
        box.wait_until(lambda: box.status()["picture"]["live"], what="live", patience_s=PATIENCE_S)
        status = box.status()
        assert (status["signal"]["format"]["width"], status["signal"]["format"]["height"]) == (640, 480)
        assert (status["source"]["driver"], status["source"]["pixel_format"]) == ("vivid", "UYVY")
        sessions = status["encoder"]["rungs"][0]["sessions"]

        hdmi.set_control(MODE, "No Signal")
        box.wait_until(
            lambda: box.status()["signal"]["state"] == "no_cable", what="the loss is told", patience_s=PATIENCE_S
        )
        status = box.status()
        assert status["picture"]["live"] is False
        assert "no 5 V" in status["picture"]["reason"]
        assert "signal_no_cable" in [issue["code"] for issue in status["issues"]]

        hdmi.set_control(MODE, SELECTED)
        box.wait_until(lambda: box.status()["picture"]["live"], what="live again", patience_s=PATIENCE_S)
        status = box.status()
        assert status["encoder"]["rungs"][0]["sessions"] == sessions, "the encoder went on through the slate"
        assert "signal_no_cable" not in [issue["code"] for issue in status["issues"]]
