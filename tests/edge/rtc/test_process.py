from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edge.config.webrtc import WebrtcConfig
from edge.model.errors import EdgeError
from edge.model.feedback import Demotion, KeyframeRequest
from edge.model.frame import AccessUnit
from edge.rtc.process import RtcProcess
from edge.runtime.clock import SystemClock
from edge.runtime.ipc import IpcClient
from edge.runtime.unit_wire import pack_demotion
from tests.edge.rtc.conftest import MediaSocket


def of_rung(unit: AccessUnit, rung: str) -> AccessUnit:
    return replace(unit, format=replace(unit.format, rung=rung))


@pytest.fixture
def pushed() -> list[Mapping[str, Any]]:
    return []


@pytest.fixture
async def second(tmp_path: Path) -> AsyncIterator[MediaSocket]:
    socket = MediaSocket(tmp_path / "second.sock")
    await socket.start()
    yield socket
    await socket.stop()


@pytest.fixture
async def control(tmp_path: Path, media, second, running, eventually, pushed) -> IpcClient:
    process = RtcProcess(
        config=WebrtcConfig(max_viewers=1),
        units={"main": media.path, "second": second.path},
        ipc_path=tmp_path / "rtc.sock",
        clock=SystemClock(),
    )
    client = IpcClient(name="rtc", path=tmp_path / "rtc.sock", on_push=lambda topic, body: pushed.append(body))
    running(client)
    for component in process.components:
        running(component)
    await media.connected()
    await second.connected()
    await eventually(lambda: client.connected)
    return client


async def test_a_viewer_joins_watches_and_leaves_over_local_ipc(
    control, media, make_viewer, show, playing, pushed, eventually
) -> None:
    viewer = make_viewer()
    joined = (await control.request("offer", {"rung": "main", "sdp": await viewer.offer()})).body
    await control.request("trickle", {"session": joined["session"], "fragment": "a=end-of-candidates\r\n"})
    await viewer.accept(joined["sdp"])
    playing(show.play(media.send_unit))
    assert (await viewer.picture()).width == 320
    assert media.feedback[0] == KeyframeRequest("viewer-1", "join")
    await eventually(lambda: bool(pushed[-1]["viewers"]) and pushed[-1]["viewers"][0]["delivered"] > 0)
    feed = pushed[-1]["feeds"]["main"]
    assert feed["media_connected"] is True
    assert pushed[-1]["viewers"][0]["session"] == joined["session"]
    assert 0 <= feed["unit_age_ms"] < 60_000
    await control.request("end", {"session": joined["session"]})
    await eventually(lambda: pushed[-1]["viewers"] == [])


async def test_the_picture_comes_back_after_the_media_process_died(
    control, media, make_viewer, show, playing, eventually
) -> None:
    viewer = make_viewer()
    joined = (await control.request("offer", {"rung": "main", "sdp": await viewer.offer()})).body
    await viewer.accept(joined["sdp"])
    playing(show.play(media.send_unit))
    before = await viewer.picture()
    media.feedback.clear()
    await media.stop()
    await media.start()
    await eventually(lambda: KeyframeRequest("viewer-1", "reconnect") in media.feedback)
    after = [await viewer.picture() for _ in range(30)]
    assert after[-1].pts > before.pts


async def test_a_viewer_of_the_second_rung_sees_that_one_and_asks_its_media_process(
    control, media, second, make_viewer, show, playing, pushed, eventually
) -> None:
    viewer = make_viewer()
    joined = (await control.request("offer", {"rung": "second", "sdp": await viewer.offer()})).body
    await viewer.accept(joined["sdp"])
    playing(show.play(lambda unit: second.send_unit(of_rung(unit, "second"))))
    assert (await viewer.picture()).width == 320
    assert second.feedback[0] == KeyframeRequest("viewer-1", "join")
    assert media.feedback == []
    await eventually(lambda: bool(pushed[-1]["viewers"]) and pushed[-1]["viewers"][0]["rung"] == "second")


async def test_the_death_of_one_media_process_is_not_felt_by_a_viewer_of_the_other(
    control, media, second, make_viewer, show, playing, eventually
) -> None:
    viewer = make_viewer()
    joined = (await control.request("offer", {"rung": "main", "sdp": await viewer.offer()})).body
    await viewer.accept(joined["sdp"])
    playing(show.play(media.send_unit))
    await viewer.picture()
    media.feedback.clear()
    await second.stop()
    await second.start()
    await second.connected()
    for _ in range(15):
        await viewer.picture()
    asked = [feedback for feedback in media.feedback if isinstance(feedback, KeyframeRequest)]
    assert asked == [], "nothing was lost"


async def test_a_demotion_from_the_media_process_fetches_the_rung_on_demand(
    tmp_path: Path, media, second, running, eventually, make_viewer, show, playing
) -> None:
    process = RtcProcess(
        config=WebrtcConfig(),
        units={"main": media.path, "view": second.path},
        on_demand=["view"],
        ipc_path=tmp_path / "demoting.sock",
        clock=SystemClock(),
    )
    for component in process.components:
        running(component)
    await media.connected()
    viewer = make_viewer()
    _, answer = await process._sessions.offer("main", await viewer.offer())
    await viewer.accept(answer)
    playing(show.play(media.send_unit))
    await viewer.picture()
    assert not process.status()["feeds"]["view"]["media_connected"]
    media.send(pack_demotion(Demotion("viewer-1", demoted=True)))
    await second.connected()
    assert [viewer["demoted"] for viewer in process.status()["viewers"]] == [True]
    media.send(pack_demotion(Demotion("viewer-1", demoted=False)))
    await eventually(lambda: not process.status()["viewers"][0]["demoted"])
    assert not process._sessions.watched("view")


async def test_status_says_when_nothing_comes_in(control, media, pushed, eventually) -> None:
    await eventually(lambda: bool(pushed) and pushed[-1]["feeds"]["main"]["media_connected"])
    assert pushed[-1]["feeds"]["main"]["unit_age_ms"] is None
    await media.stop()
    await eventually(lambda: not pushed[-1]["feeds"]["main"]["media_connected"])
    assert pushed[-1]["feeds"]["second"]["media_connected"] is True


async def test_the_output_can_be_stopped(control, pushed, make_viewer, eventually) -> None:
    await control.request("enable", {"running": False})
    await eventually(lambda: bool(pushed) and pushed[-1]["enabled"] is False)
    with pytest.raises(EdgeError) as caught:
        await control.request("offer", {"rung": "main", "sdp": await make_viewer().offer()})
    assert caught.value.code == "stopped"


@pytest.mark.parametrize(
    ("op", "args", "said"),
    [
        ("offer", {"sdp": "v=0"}, "rung must be text"),
        ("offer", {"rung": "main", "sdp": 3}, "sdp must be text"),
        ("offer", {"rung": "main", "sdp": "hello"}, "not SDP"),
        ("offer", {"rung": "main", "sdp": "v=0", "role": "surgeon"}, "role must be guide, observer"),
        ("offer", {"rung": "main", "sdp": "v=0", "role": 3}, "role must be guide, observer"),
        ("trickle", {"session": "x"}, "fragment must be text"),
        ("end", {}, "session must be text"),
        ("enable", {"running": "yes"}, "running must be true or false"),
    ],
)
async def test_bad_requests_are_refused_by_name(control, op: str, args: Mapping[str, Any], said: str) -> None:
    with pytest.raises(EdgeError, match=said) as caught:
        await control.request(op, args)
    assert caught.value.code == "invalid"
