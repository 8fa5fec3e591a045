from typing import Any

import pytest

from edge.app.sim_state import SimState
from edge.controller.fleet import BoxView
from edge.controller.table import row_of
from edge.link.state import health_word, reported
from edge.link.telemetry import is_streaming, stream_numbers
from edge.model.errors import EdgeError


@pytest.fixture
def state() -> SimState:
    return SimState("sim-00001")


def test_a_started_output_streams_until_it_is_stopped(state: SimState) -> None:
    assert not is_streaming(state.sections())
    assert state.switch("srt", live=True) == {"sink": "srt", "state": "live"}
    state.pass_time(5)
    numbers = stream_numbers(state.sections())
    assert numbers.keys() >= {"fps", "bps", "drop", "viewers", "srt_rtt_ms", "srt_lost", "box_p95_us"}
    assert numbers["bps"] == pytest.approx(8_000_000, rel=0.06)
    state.switch("srt", live=False)
    assert not is_streaming(state.sections())


def test_a_lost_signal_is_an_issue_and_no_live_picture(state: SimState) -> None:
    state.lose_signal("2026-01-01T00:00:00Z")
    sections = state.sections()
    assert (sections["signal"]["state"], sections["picture"]["live"]) == ("no_signal", False)
    assert health_word(sections) == "failed"
    assert sections["issues"][0]["since"] == "2026-01-01T00:00:00Z"
    state.lose_signal("")
    assert state.sections()["issues"] == []
    assert state.sections()["signal"]["lock_changes"] == 3


def test_what_commands_set_is_reported(state: SimState) -> None:
    state.aim(4_000_000)
    state.set_sink("room", "whip")
    state.preset = "endoscopy"
    sections = state.sections()
    assert sections["encoder"]["rungs"][0]["target_bps"] == 4_000_000
    assert [sink["name"] for sink in sections["sinks"]] == ["srt", "room"]
    assert sections["preset"]["name"] == "endoscopy"
    state.remove_sink("room")
    state.remove_sink("room")
    assert [sink["name"] for sink in state.sections()["sinks"]] == ["srt"]


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        (lambda s: s.switch("nowhere", live=True), "unknown_sink"),
        (lambda s: s.switch(None, live=True), "unknown_sink"),
        (lambda s: s.aim("8M"), "invalid"),
        (lambda s: s.aim(True), "invalid"),
        (lambda s: s.aim(1), "invalid"),
        (lambda s: s.set_sink("", "srt"), "invalid"),
        (lambda s: s.set_sink("x", "rtmp"), "invalid"),
    ],
)
def test_a_wish_that_makes_no_sense_is_rejected(state: SimState, wish: Any, code: str) -> None:
    before = state.sections()["sinks"]
    with pytest.raises(EdgeError) as caught:
        wish(state)
    assert caught.value.code == code
    assert state.sections()["sinks"] == before


def test_a_controller_reads_it_as_any_box(state: SimState) -> None:
    state.switch("srt", live=True)
    view = BoxView("sim-00001", {"state": "online"}, reported(state.sections()))
    cells = row_of(view, now_s=0).cells
    assert cells[1:5] == ("online", "locked", "LIVE", "srt live")


def test_two_boxes_differ_and_one_is_the_same_again() -> None:
    said = [SimState(seed).sections()["health"] for seed in ("a", "b", "a")]
    assert said[0] == said[2] != said[1]
