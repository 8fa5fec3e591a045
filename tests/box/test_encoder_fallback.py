"""The encoder breaks down while receivers watch."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from edge.measure.session import ts_units
from edge.model import sei
from edge.model.video import Codec
from edge.runtime.clock import SystemClock
from tests.running_box import RunningBox
from tests.srt_peers import Collector

_SETS = ("source.sim.width=640", "source.sim.height=360", "source.sim.fps=30", "board.try_encoders=true")


@pytest.fixture(scope="module")
def box() -> Iterator[RunningBox]:
    with tempfile.TemporaryDirectory(prefix="box-", dir="/tmp") as folder, RunningBox(Path(folder), *_SETS) as box:
        box.wait_live()
        yield box


def _candidate(box: RunningBox, name: str) -> Any:
    return next(one for one in box.status()["encoder"]["candidates"] if one["name"] == name)


def test_every_encoder_of_the_board_is_tried_and_its_verdict_is_in_the_status(box: RunningBox) -> None:
    assert box.status()["board"]["profile"] == "sim"
    box.wait_until(
        lambda: all(one["verdict"] != "untried" for one in box.status()["encoder"]["candidates"]),
        what="every encoder has been tried",
        patience_s=60,
    )
    found = {one["name"]: one for one in box.status()["encoder"]["candidates"]}
    assert list(found) == ["sim-x264", "x264", "x265"]
    for one in found.values():
        assert (one["verdict"], one["reason"]) == ("fit", "")
        assert one["trial"]["delay_frames"] == 0
        assert one["trial"]["pixels_per_s"] > 0


def test_the_next_encoder_takes_over_and_no_picture_is_lost(box: RunningBox) -> None:
    before = box.status()["encoder"]
    assert before["name"] == "sim-x264"
    with Collector(box.ports.srt, "caller") as receiver:
        box.wait_until(lambda: box.sink("srt")["delivered"] > 30, what="the receiver has pictures")
        box.fault("encoder_fails", 3.0)
        box.wait_until(lambda: box.status()["encoder"]["name"] == "x264", what="x264 has taken over")
        seen = box.sink("srt")["delivered"]
        box.wait_until(lambda: box.sink("srt")["delivered"] > seen + 60, what="pictures go on")
    units = ts_units(receiver.payloads, clock=SystemClock())
    times = [found for unit in units if (found := sei.find(Codec.H264, unit.data)) is not None]
    assert len(times) > 90
    assert all(after.seq == before.seq + 1 for before, after in pairwise(times)), "a picture is missing"
    rung = box.status()["encoder"]["rungs"][0]
    assert (rung["encoder"], rung["sessions"]) == ("x264", before["rungs"][0]["sessions"] + 1)
    broken = _candidate(box, "sim-x264")
    assert (broken["verdict"], broken["failures"]) == ("failed", 1)
    assert "told to fail" in broken["reason"]
    box.wait_until(
        lambda: any(
            (issue["code"], issue["subject"]) == ("encoder_failed", "sim-x264") for issue in box.status()["issues"]
        ),
        what="an issue says so",
    )
