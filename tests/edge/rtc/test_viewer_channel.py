from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from edge.model.feedback import Role
from edge.rtc.sessions import WhepSessions
from edge.rtc.viewer_channel import LABEL, Subject, ViewerChannel
from edge.runtime.clock import SystemClock
from tests.edge.rtc.data_channel import joined, viewer_of

REPORT = json.dumps({"v": 1, "t": "report", "live": True, "p50_ms": 60, "p95_ms": 90, "source": "sei"})
PING = json.dumps({"v": 1, "t": "ping", "id": 7, "ts": 12.5})


class OpenChannel:
    """The part of RTCDataChannel that is used, on the box's side."""

    def __init__(self, label: str = LABEL) -> None:
        self.label = label
        self.readyState = "open"
        self.bufferedAmount = 0
        self.said: list[dict[str, Any]] = []

    def on(self, event: str, heard: object) -> None:
        assert event == "message"

    def send(self, text: str) -> None:
        self.said.append(json.loads(text))

    def close(self) -> None:
        self.readyState = "closed"


@pytest.fixture
def wire() -> OpenChannel:
    return OpenChannel()


@pytest.fixture
def channel(clock, wire) -> ViewerChannel:
    made = ViewerChannel(subject=Subject("s1", "main", Role.OBSERVER), clock=clock)
    made.bind(wire)
    return made


def test_the_box_introduces_itself(channel, wire) -> None:
    [said] = wire.said
    assert (said["t"], said["session"], said["rung"], said["role"]) == ("hello", "s1", "main", "observer")
    assert said["version"]


def test_a_ping_is_answered_by_the_boxs_utc(channel, wire, clock) -> None:
    channel.hear(PING)
    pong = wire.said[-1]
    assert (pong["t"], pong["id"], pong["ts"]) == ("pong", 7, 12.5)
    assert int(pong["rx"]) == int(pong["tx"]) == clock.utc_ns()
    assert (pong["map_us"], pong["utc_us"]) == (1000, 0)


def test_figures_stand_in_the_report_for_five_seconds(channel, clock) -> None:
    assert channel.report()["seen"] is None
    channel.hear(REPORT)
    clock.advance(4.9)
    report = channel.report()
    assert report["glass_to_glass_ms"] == {"p50": 60, "p95": 90}
    assert (report["seen"]["live"], report["seen"]["source"]) == (True, "sei")
    clock.advance(0.2)
    assert (channel.report()["glass_to_glass_ms"], channel.report()["seen"]) == (None, None)


def test_figures_without_delays_have_none(channel) -> None:
    channel.hear(json.dumps({"v": 1, "t": "report", "live": False, "reason": "clock"}))
    assert channel.report()["glass_to_glass_ms"] is None
    assert channel.report()["seen"]["reason"] == "clock"


def test_an_unknown_type_is_passed_over_and_counted(channel, wire) -> None:
    channel.hear('{"v":1,"t":"pointer"}')
    assert channel.report()["channel"] == {"state": "open", "unknown": 1, "refused": 0, "flooded": 0}
    assert [said["t"] for said in wire.said] == ["hello"]


@pytest.mark.parametrize(
    ("text", "code"),
    [('{"v":2,"t":"ping"}', "wrong_version"), ("x" * 5000, "too_large"), (b"\x00", "not_json"), ("{", "not_json")],
)
def test_a_bad_message_is_answered_by_its_error(channel, wire, text, code) -> None:
    channel.hear(text)
    assert (wire.said[-1]["t"], wire.said[-1]["code"]) == ("error", code)
    channel.hear(PING)
    assert wire.said[-1]["t"] == "pong"


def test_a_flood_is_counted_and_not_answered(channel, wire, clock) -> None:
    for _ in range(100):
        channel.hear(PING)
    assert len(wire.said) == 1 + 40
    assert channel.flooded == 60
    clock.advance(1)
    for _ in range(100):
        channel.hear(PING)
    assert len(wire.said) == 1 + 40 + 20


def test_a_flood_that_goes_on_closes_the_channel(channel, wire) -> None:
    for _ in range(1039):
        channel.hear(PING)
    assert wire.readyState == "open"
    channel.hear(PING)
    assert wire.readyState == "closed"


def test_a_viewer_that_does_not_read_is_told_nothing_more(channel, wire) -> None:
    wire.bufferedAmount = 65_537
    channel.hear(PING)
    assert len(wire.said) == 1


def test_liveness_is_told_when_it_changes_and_once_a_second(channel, wire, clock) -> None:
    for live in (True, True, False, False):
        channel.tell_picture(live=live)
    clock.advance(1)
    channel.tell_picture(live=False)
    told = [said["live"] for said in wire.said if said["t"] == "notice"]
    assert told == [True, False, False]


@pytest.mark.parametrize("label", ["chat", LABEL])
def test_another_channel_is_closed(channel, wire, label) -> None:
    other = OpenChannel(label)
    channel.bind(other)
    assert (other.readyState, other.said) == ("closed", [])
    channel.hear(PING)
    assert wire.said[-1]["t"] == "pong"


def test_a_session_without_a_channel_says_so(clock) -> None:
    channel = ViewerChannel(subject=Subject("s1", "main"), clock=clock)
    channel.tell_picture(live=True)
    assert channel.report()["channel"]["state"] == "absent"


# With real peers


@pytest.fixture
async def sessions(feedback) -> AsyncIterator[WhepSessions]:
    whep = WhepSessions(feedback={"main": feedback}, clock=SystemClock(), max_viewers=2)
    yield whep
    await whep.set_enabled(False)


async def test_a_real_viewer_is_greeted_answered_and_its_figures_are_shown(
    sessions, make_viewer, eventually, show, playing
) -> None:
    viewer = make_viewer()
    session, wire, said = await joined(sessions, viewer)
    await eventually(lambda: [each["t"] for each in said] == ["hello"])
    assert said[0]["session"] == session
    wire.send(PING)
    wire.send(REPORT)
    await eventually(lambda: said[-1]["t"] == "pong")
    await eventually(lambda: viewer_of(sessions, session)["glass_to_glass_ms"] == {"p50": 60, "p95": 90})
    playing(show.play(sessions.deliver))
    assert (await viewer.picture()).width == 320
    await eventually(lambda: {"v": 1, "t": "notice", "code": "picture", "live": True} in said)
