from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from edge.app.findings import Findings
from edge.app.wishes import Wishes
from edge.app.world import World
from edge.config.model import Config
from edge.modality.library import Library
from edge.model.picture import Mask, Sheet
from edge.model.rect import Rect
from edge.runtime.issues import IssueBook
from edge.runtime.status_board import StatusBoard
from edge.vault.seal import Sealer

_LIVE: Mapping[str, Any] = {
    "source": {"kind": "sim"},
    "pid": 7,
    "signal": {"state": "locked", "detail": "", "format": None},
    "picture": {"live": True, "reason": "", "age_ms": 3.0},
    "encoder": {"name": "x264", "hardware": False, "rungs": [{"name": "main", "refusal": ""}]},
    "sinks": [{"name": "srt", "kind": "srt", "state": "idle", "code": "", "last_error": ""}],
    "latency": {"box": {"p50": 1, "p95": 2, "p99": 3}, "stages": {"encode": {"p50": 1, "p95": 2, "p99": 3}}},
    "components": [],
}
_VIEWER: Mapping[str, Any] = {
    "session": "s1",
    "name": "viewer-1",
    "delivered": 5,
    "dropped": 1,
    "queue_p50_us": 10,
    "queue_p95_us": 20,
    "send_p50_us": 30,
    "send_p95_us": 40,
}


class _Desk:
    def __init__(self, folder: Path) -> None:
        self.now_s = 100.0
        self.board = StatusBoard()
        self.wishes = Wishes(
            config=Config(), path=folder / "wishes.sealed", sealer=Sealer(folder / "key"), library=Library.load(None)
        )
        self.world = World(
            board=self.board,
            issues=IssueBook(now_text=lambda: "now"),
            wishes=self.wishes,
            findings=Findings(),
            now_s=lambda: self.now_s,
        )

    def sink(self, name: str) -> Mapping[str, Any]:
        return next(sink for sink in self.board.get("sinks") if sink["name"] == name)


@pytest.fixture
async def desk(tmp_path: Path) -> _Desk:
    return _Desk(tmp_path)


async def test_what_media_says_is_on_the_board(desk: _Desk) -> None:
    desk.world.media_said("status", _LIVE)
    assert desk.board.get("picture")["live"] is True
    assert desk.board.get("board") == {"name": "sim"}
    assert desk.sink("srt")["state"] == "idle"


async def test_preset_mask_and_crop_are_on_the_board_with_what_media_says_of_them(desk: _Desk) -> None:
    desk.wishes.set_preset("endoscopy")
    desk.wishes.set_mask(Mask((Sheet((1920, 1080), (Rect(0, 0, 300, 60),)),)))
    framing = {"of": [1280, 720], "crop": [0, 0, 640, 480], "crop_trouble": "", "blacks": 1, "withheld": ""}
    desk.world.media_said("status", {**_LIVE, "framing": framing})
    preset, mask = desk.board.get("preset"), desk.board.get("mask")
    assert (preset["name"], preset["title"], preset["bitrate_floor_bps"]) == ("endoscopy", "Endoscopy", 2_500_000)
    assert "pathology" in preset["available"]
    assert mask == {"areas": 1, "rects": [[0, 0, 200, 40]], "of": [1280, 720], "withheld": "", "applied": 1}
    assert desk.board.get("crop") == {"rect": [0, 0, 640, 480], "trouble": ""}


async def test_mask_is_named_although_media_does_not_report(desk: _Desk) -> None:
    desk.wishes.set_mask(Mask((Sheet((1920, 1080), (Rect(0, 0, 300, 60),)),)))
    desk.world.refresh()
    assert desk.board.get("mask") == {"areas": 1, "rects": [], "of": None, "withheld": "", "applied": None}


async def test_media_that_falls_silent_is_not_live_although_its_socket_stands(desk: _Desk) -> None:
    desk.world.media_said("status", _LIVE)
    desk.now_s += 1.9
    desk.world.refresh()
    assert desk.board.get("picture")["live"] is True
    desk.now_s += 0.2
    desk.world.refresh()
    assert desk.board.get("picture") == {"live": False, "reason": "the media process does not report", "age_ms": None}
    assert desk.board.get("signal")["state"] == "no_device"
    desk.now_s += 3
    desk.world.refresh()
    assert "media_down" in [issue["code"] for issue in desk.board.get("issues")]


async def test_lost_media_is_not_live_at_once(desk: _Desk) -> None:
    desk.world.media_said("status", _LIVE)
    desk.world.media_lost()
    assert desk.board.get("picture")["live"] is False
    assert desk.sink("srt")["state"] == "connecting", "it is wanted, and nobody says that it runs"


async def test_webrtc_output_counts_its_viewers(desk: _Desk) -> None:
    desk.world.media_said("status", _LIVE)
    desk.world.rtc_said("status", {"viewers": [_VIEWER], "epoch": 9, "pid": 8})
    webrtc = desk.sink("webrtc")
    assert (webrtc["state"], webrtc["epoch"], webrtc["delivered"], webrtc["dropped"]) == ("live", 9, 5, 1)
    assert desk.board.get("latency")["stages"]["queue:viewer-1"] == {"p50": 10, "p95": 20}
    assert desk.board.get("latency")["stages"]["send:viewer-1"] == {"p50": 30, "p95": 40}
    assert (desk.world.media_pid, desk.world.rtc_pid) == (7, 8)


async def test_stopped_webrtc_output_says_so(desk: _Desk) -> None:
    desk.wishes.set_running("webrtc", False)
    desk.world.rtc_said("status", {"viewers": []})
    assert desk.sink("webrtc")["state"] == "stopped"


async def test_viewers_own_figures_stand_beside_the_boxs(desk: _Desk) -> None:
    desk.board.put("viewer_reports", {"s1": {"glass_to_glass_ms": {"p50": 40, "p95": 60}, "playout_ms": 12}})
    desk.world.rtc_said("status", {"viewers": [_VIEWER]})
    (viewer,) = desk.board.get("viewers")
    assert viewer["glass_to_glass_ms"] == {"p50": 40, "p95": 60}
    assert viewer["playout_ms"] == 12
