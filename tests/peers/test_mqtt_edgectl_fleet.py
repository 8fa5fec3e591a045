"""`edgectl`'s verbs for events, keys and rollouts, as processes against several links and a real broker."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from edge.controller.client import Controller
from edge.controller.folder import Folder
from edge.controller.home import Home
from edge.controller.rotation import Rotation
from edge.model.command import ResultState
from edge.model.status import Severity
from tests.mqtt_box import LinkBox
from tests.mqtt_fleet import begin_edgectl, edgectl, fleet, lines_until, trusting_box
from tests.mqtt_orders import trust
from tests.mqtt_peer import Peer
from tests.peers.conftest import Mosquitto

pytestmark = pytest.mark.peer


def kids(box: LinkBox) -> list[str]:
    trusted = box.keyring.keys()
    return [key.kid for key in trusted]


async def online(box: LinkBox) -> None:
    async with asyncio.timeout(20):
        while (box.board.get("link") or {}).get("state") != "online":
            await asyncio.sleep(0.02)


async def obeys(box: LinkBox, home_path: Path) -> bool:
    """Under the key that `edgectl` takes for it now."""
    home = Home(home_path)
    async with Controller(broker=home.broker(home.find(box.id)), key=home.key_for(box.id), home=home) as far:
        return (await far.send(box.id, "stream.start", {"sink": "srt"})).st is ResultState.DONE


async def test_events_are_recorded_by_the_one_that_follows_and_read_by_all(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    async with fleet(mosquitto.port, tmp_path, 2) as (boxes, home):
        async with Peer(port=mosquitto.port, box=boxes[0].id) as peer:
            following = await begin_edgectl(home, "events", "--follow", "--json")
            await peer.until(lambda: any(m.topic.startswith("eb/1/_ctl/") for m in peer.heard), "the follower")
        await edgectl(home, "start", boxes[0].id, "srt")
        lines = [json.loads(line) for line in await lines_until(following, '"st": "done"')]
        following.send_signal(2)
        _, err = await asyncio.wait_for(following.communicate(), 20)
        assert (following.returncode, err) == (0, b"")
        assert {line["box"] for line in lines} <= {box.id for box in boxes}
        code, out, err_text = await edgectl(home, "events", boxes[0].id, "--kind", "res")
        assert (code, err_text) == (0, "")
        started = [line.split(None, 2)[2] for line in out.splitlines() if "stream.start" in line]
        assert started == [f"{boxes[0].id}  res    stream.start {word}" for word in ("accepted", "done")]
        assert (await edgectl(home, "events", "--since", "1h", "--kind", "alarm"))[1] == ""


async def test_a_rotation_waits_for_the_box_that_is_away_and_ends_when_it_is_back(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    away = trusting_box(mosquitto.port, tmp_path / "away", home)
    async with fleet(mosquitto.port, tmp_path, 1) as ((here,), home):
        async with away.running():
            await online(away)
        old = Home(home).key().kid
        code, out, _ = await edgectl(home, "keys", "rotate")
        assert code == 1
        assert f"{here.id}: knows the new key" in out
        assert f"{away.id}: waiting: {away.id} is offline" in out
        assert f"not done: 1 box(es) have not confirmed ({away.id})" in out
        rotation = Rotation.load(Folder(home))
        assert rotation is not None
        assert set(kids(here)) == {old, rotation.new}
        assert await obeys(here, home)
        async with away.running():
            await online(away)
            assert await obeys(away, home)
            code, out, _ = await edgectl(home, "keys", "rotate")
            assert (code, out.splitlines()[-1]) == (0, f"done: {rotation.new} signs now")
            for box in (here, away):
                assert kids(box) == [rotation.new]
                assert await obeys(box, home)
        code, out, _ = await edgectl(home, "keys", "list")
        assert [line.split("  ")[3] for line in out.splitlines()] == ["retired", "active"]


async def test_a_rotation_does_not_lock_another_controller_out(mosquitto: Mosquitto, tmp_path: Path) -> None:
    async with fleet(mosquitto.port, tmp_path, 1) as ((box,), home):
        other = trust()
        box.keyring.add(other)
        code, out, _ = await edgectl(home, "keys", "rotate")
        assert code == 1
        assert f"{box.id} has keys that are not known here, {other.kid}: edgectl keys trust, or --sole" in out
        assert kids(box) == [Home(home).key().kid, other.kid]
        assert (await edgectl(home, "keys", "trust", other.kid, other.public.base64, "--ops", "stream.*"))[0] == 0
        assert (await edgectl(home, "keys", "rotate"))[0] == 0
        assert kids(box) == [Home(home).key().kid, other.kid]
        kept = box.keyring.find(other.kid)
        assert kept is not None
        assert (kept.public, kept.ops) == (other.public, ("stream.*",))
        assert (await edgectl(home, "keys", "distrust", other.kid))[0] == 0
        assert (await edgectl(home, "keys", "rotate", "--sole"))[0] == 0
        assert kids(box) == [Home(home).key().kid]


async def test_a_rollout_goes_wave_by_wave(mosquitto: Mosquitto, tmp_path: Path) -> None:
    async with fleet(mosquitto.port, tmp_path, 4) as (boxes, home):
        words = ("rollout", "send", "stream.start", "sink=srt", "--all", "--wave", "2", "--soak", "0.1")
        code, out, err = await edgectl(home, *words)
        assert (code, err) == (0, "")
        lines = out.splitlines()
        assert lines[0].endswith(": 4 box(es) in 3 wave(s)")
        assert next(line for line in lines if line.startswith("wave")) == f"wave 1 of 3, 1 box(es): {boxes[0].id}"
        assert lines.index(f"  {boxes[0].id}: good") < lines.index(
            f"wave 2 of 3, 2 box(es): {boxes[1].id}, {boxes[2].id}"
        )
        assert "4 good, 0 bad, 0 not told" in out
        assert [box.runs for box in boxes] == [["srt live"]] * 4


async def test_a_bad_box_stops_a_rollout_before_the_next_wave(mosquitto: Mosquitto, tmp_path: Path) -> None:
    async with fleet(mosquitto.port, tmp_path, 3) as (boxes, home):
        boxes[1]._sinks.clear()
        words = ("rollout", "send", "stream.start", "sink=srt", "--all", "--wave", "1", "--soak", "0.1")
        code, out, _ = await edgectl(home, *words)
        assert code == 1
        assert f"  {boxes[1].id}: bad: rejected: unknown_sink: no sink 'srt'" in out
        assert "aborted: 1 good, 1 bad, 1 not told" in out
        assert boxes[2].runs == []
        code, out, _ = await edgectl(home, "rollout", "show", "--json")
        assert json.loads(out)["course"] == "aborted"
        code, _, err = await edgectl(home, "rollout", "resume")
        assert code == 1
        assert "is aborted already" in err


async def test_a_box_that_falls_ill_while_its_wave_soaks_is_bad(mosquitto: Mosquitto, tmp_path: Path) -> None:
    async with fleet(mosquitto.port, tmp_path, 2) as (boxes, home):
        words = ("rollout", "send", "stream.start", "sink=srt", "--all", "--wave", "1", "--soak", "20")
        process = await begin_edgectl(home, *words)
        await lines_until(process, f"{boxes[0].id}: good")
        issue = {"code": "disk_low", "severity": Severity.ERROR, "since": "", "suggestion": ""}
        boxes[0].board.put("issues", [issue])
        out, _ = await asyncio.wait_for(process.communicate(), 30)
        assert f"{boxes[0].id}: bad: its health is failed" in out.decode()
        assert process.returncode == 1
        assert boxes[1].runs == []


async def test_a_rollout_killed_in_a_wave_goes_on_where_it_was_and_does_nothing_twice(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    async with fleet(mosquitto.port, tmp_path, 3) as (boxes, home):
        words = ("rollout", "send", "slow.wait", "--all", "--canary", "2", "--wave", "1", "--soak", "0")
        process = await begin_edgectl(home, *words)
        async with asyncio.timeout(30):
            while not (boxes[0].runs and boxes[1].runs):
                await asyncio.sleep(0.05)
        process.kill()
        await process.communicate()
        assert boxes[2].runs == []
        assert (await edgectl(home, *words))[2].count("is not over") == 1
        for box in boxes:
            box.release.set()
        code, out, err = await edgectl(home, "rollout", "resume")
        assert (code, err) == (0, "")
        assert "done: 3 good, 0 bad, 0 not told" in out
        assert [box.runs for box in boxes] == [["slow"]] * 3
