from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from edge.app.findings import Findings
from edge.app.wishes import Wishes
from edge.app.world import World
from edge.config.model import Config, SecondConfig
from edge.config.output import SrtSinkConfig
from edge.modality.library import Library
from edge.model.inputs import Input
from edge.model.picture import Mask, Sheet
from edge.model.rect import Rect
from edge.model.sink import SinkKind, SinkSpec
from edge.runtime.issues import IssueBook
from edge.runtime.status_board import StatusBoard
from edge.vault.seal import Sealer

_LIVE: Mapping[str, Any] = {
    "source": {"kind": "sim"},
    "pid": 7,
    "signal": {"state": "locked", "detail": "", "format": None},
    "picture": {"live": True, "reason": "", "age_ms": 3.0},
    "encoder": {"name": "x264", "hardware": False, "rungs": [{"name": "main", "refusal": ""}]},
    "sinks": [{"name": "srt", "kind": "srt", "rung": "main", "state": "idle", "code": "", "last_error": ""}],
    "latency": {"box": {"p50": 1, "p95": 2, "p99": 3}, "stages": {"encode": {"p50": 1, "p95": 2, "p99": 3}}},
    "components": [],
}
_VIEWER: Mapping[str, Any] = {
    "session": "s1",
    "name": "viewer-1",
    "rung": "main",
    "delivered": 5,
    "dropped": 1,
    "queue_p50_us": 10,
    "queue_p95_us": 20,
    "send_p50_us": 30,
    "send_p95_us": 40,
}


class _Desk:
    def __init__(self, folder: Path, config: Config) -> None:
        self.now_s = 100.0
        self.board = StatusBoard()
        self.wishes = Wishes(
            config=config, path=folder / "wishes.sealed", sealer=Sealer(folder / "key"), library=Library.load(None)
        )
        self.world = World(
            board=self.board,
            issues=IssueBook(now_text=lambda: "now"),
            wishes=self.wishes,
            findings=Findings(),
            inputs=config.inputs,
            now_s=lambda: self.now_s,
        )

    def sink(self, name: str) -> Mapping[str, Any]:
        return next(sink for sink in self.board.get("sinks") if sink["name"] == name)


@pytest.fixture
async def desk(tmp_path: Path) -> _Desk:
    return _Desk(tmp_path, Config())


@pytest.fixture
async def both(tmp_path: Path) -> _Desk:
    """A box with two inputs; the output `srt` sends the second."""
    return _Desk(tmp_path, Config(second=SecondConfig(enabled=True), srt=(SrtSinkConfig(rung=Input.SECOND),)))


async def test_what_media_says_is_on_the_board(desk: _Desk) -> None:
    desk.world.media_said(Input.MAIN, "status", _LIVE)
    assert desk.board.get("picture")["live"] is True
    assert desk.board.get("board") == {"name": "sim"}
    assert desk.sink("srt")["state"] == "idle"


async def test_preset_mask_and_crop_are_on_the_board_with_what_media_says_of_them(desk: _Desk) -> None:
    desk.wishes.set_preset("endoscopy")
    desk.wishes.set_mask(Mask((Sheet((1920, 1080), (Rect(0, 0, 300, 60),)),)))
    framing = {"of": [1280, 720], "crop": [0, 0, 640, 480], "crop_trouble": "", "blacks": 1, "withheld": ""}
    desk.world.media_said(Input.MAIN, "status", {**_LIVE, "framing": framing})
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
    desk.world.media_said(Input.MAIN, "status", _LIVE)
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
    desk.world.media_said(Input.MAIN, "status", _LIVE)
    desk.world.media_lost(Input.MAIN)
    assert desk.board.get("picture")["live"] is False
    assert desk.sink("srt")["state"] == "connecting", "it is wanted, and nobody says that it runs"


async def test_webrtc_output_counts_its_viewers(desk: _Desk) -> None:
    desk.world.media_said(Input.MAIN, "status", _LIVE)
    desk.world.rtc_said("status", {"viewers": [_VIEWER], "feeds": {"main": {"epoch": 9}}, "pid": 8})
    webrtc = desk.sink("webrtc")
    assert (webrtc["state"], webrtc["epoch"], webrtc["delivered"], webrtc["dropped"]) == ("live", 9, 5, 1)
    assert desk.board.get("latency")["stages"]["queue:viewer-1"] == {"p50": 10, "p95": 20}
    assert desk.board.get("latency")["stages"]["send:viewer-1"] == {"p50": 30, "p95": 40}
    assert (desk.world.media_pid(Input.MAIN), desk.world.rtc_pid) == (7, 8)


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


async def test_what_comes_over_the_data_channel_counts_for_more_than_what_is_posted(desk: _Desk) -> None:
    desk.board.put("viewer_reports", {"s1": {"glass_to_glass_ms": {"p50": 40, "p95": 60}, "playout_ms": 12}})
    seen = {"live": False, "reason": "old"}
    channel = {"glass_to_glass_ms": {"p50": 300, "p95": 500}, "playout_ms": 5, "seen": seen}
    desk.world.rtc_said("status", {"viewers": [{**_VIEWER, **channel}]})
    (viewer,) = desk.board.get("viewers")
    assert (viewer["glass_to_glass_ms"], viewer["playout_ms"], viewer["seen"]) == ({"p50": 300, "p95": 500}, 5, seen)


async def test_channels_figures_raise_the_issues_of_latency_and_of_a_viewer_that_is_not_live(desk: _Desk) -> None:
    seen = {"live": False, "reason": "old"}
    viewer = {**_VIEWER, "glass_to_glass_ms": {"p50": 300, "p95": 500}, "playout_ms": 5, "seen": seen}
    for _ in range(7):
        desk.world.media_said(Input.MAIN, "status", _LIVE)
        desk.world.rtc_said("status", {"viewers": [viewer]})
        desk.now_s += 1
    codes = {issue["code"]: issue["subject"] for issue in desk.board.get("issues")}
    assert "latency_budget_exceeded" in codes
    assert codes["viewer_not_live"] == "viewer-1"


_DARK: Mapping[str, Any] = {
    **_LIVE,
    "pid": 9,
    "signal": {"state": "no_cable", "detail": "", "format": None},
    "picture": {"live": False, "reason": "no cable", "age_ms": None},
    "encoder": {"name": "x264", "hardware": False, "rungs": [{"name": "second", "refusal": ""}]},
    "sinks": [{**_LIVE["sinks"][0], "rung": "second"}],
}


async def test_one_input_is_listed_as_what_the_document_says_of_it(desk: _Desk) -> None:
    desk.world.media_said(Input.MAIN, "status", _LIVE)
    (main,) = desk.board.get("inputs")
    assert main["name"] == "main"
    assert main["source"] == desk.board.get("source") == {"kind": "sim"}
    for section in ("signal", "picture", "encoder", "latency"):
        assert main[section] == desk.board.get(section)


async def test_second_input_stands_beside_the_first_and_never_in_its_place(both: _Desk) -> None:
    both.world.media_said(Input.SECOND, "status", _DARK)
    assert both.board.get("picture")["live"] is False, "nobody has spoken for the first yet"
    both.world.media_said(Input.MAIN, "status", {**_LIVE, "sinks": []})
    assert both.board.get("picture")["live"] is True
    assert [entry["picture"]["live"] for entry in both.board.get("inputs")] == [True, False]
    issues = [(issue["code"], issue["subject"]) for issue in both.board.get("issues")]
    assert issues == [("signal_no_cable", "second")]
    assert (both.sink("srt")["state"], both.sink("srt")["rung"]) == ("idle", "second")
    assert (both.world.media_pid(Input.MAIN), both.world.media_pid(Input.SECOND)) == (7, 9)


async def test_input_whose_process_falls_silent_leaves_the_other_as_it_is(both: _Desk) -> None:
    both.world.media_said(Input.SECOND, "status", {**_LIVE, "sinks": []})
    both.now_s += 1.5
    both.world.media_said(Input.MAIN, "status", {**_LIVE, "sinks": []})
    both.now_s += 1
    both.world.refresh()
    assert [entry["picture"]["live"] for entry in both.board.get("inputs")] == [True, False]


async def test_latency_of_a_viewer_belongs_to_the_input_that_it_watches(both: _Desk) -> None:
    both.world.media_said(Input.MAIN, "status", {**_LIVE, "sinks": []})
    both.world.rtc_said("status", {"viewers": [{**_VIEWER, "rung": "second"}]})
    first, second = both.board.get("inputs")
    assert "queue:viewer-1" in second["latency"]["stages"]
    assert "queue:viewer-1" not in first["latency"]["stages"]


async def test_output_of_an_input_that_is_no_more_says_so(tmp_path: Path) -> None:
    both = _Desk(tmp_path, Config(second=SecondConfig(enabled=True)))
    spec = SinkSpec(name="expert", kind=SinkKind.SRT, url="srt://127.0.0.1:9", rung="second")
    both.wishes.set_sink(spec)
    alone = _Desk(tmp_path, Config())
    alone.world.refresh()
    expert = alone.sink("expert")
    assert (expert["state"], expert["code"], expert["rung"]) == ("failed", "unknown_rung", "second")
    assert "there is main" in expert["last_error"]
    assert "output_unknown_rung" in [issue["code"] for issue in alone.board.get("issues")]
