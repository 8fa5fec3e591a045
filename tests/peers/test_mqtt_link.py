"""The link itself over a real broker: presence, state, telemetry, the outbox, outages."""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from blockbuster import blockbuster_ctx

from edge.link import telemetry
from edge.link.engine import Broker, Engine
from edge.link.retry import Retry
from edge.model.errors import Forbidden, PeerGone
from tests.mqtt_box import LinkBox
from tests.mqtt_orders import trust
from tests.mqtt_peer import WAIT_S, Peer
from tests.peers.conftest import Mosquitto

pytestmark = pytest.mark.peer
REPOSITORY = Path(__file__).parents[2]


@contextlib.asynccontextmanager
async def link_box(mosquitto: Mosquitto, tmp_path: Path) -> AsyncIterator[LinkBox]:
    box = LinkBox(port=mosquitto.port, state_dir=tmp_path / "state")
    box.keyring.add(trust())
    async with box.running():
        yield box


async def until(true: Callable[[], bool], what: str) -> None:
    """For what is seen inside the box, not on the wire."""
    try:
        async with asyncio.timeout(WAIT_S):
            while not true():
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"never came: {what}") from None


def link_of(box: LinkBox) -> dict[str, Any]:
    """The box's own word on its link; before it has one, nothing is known."""
    return box.board.get("link") or {"state": "", "issues": [], "outbox": 0}


def eseqs(peer: Peer) -> list[int]:
    """The numbers of results and events, in the order in which they came."""
    leaves = (f"eb/1/{peer.box}/evt", f"eb/1/{peer.box}/res")
    return [json.loads(m.payload)["eseq"] for m in peer.heard if m.topic in leaves]


async def test_presence_and_state_are_retained_and_complete(mosquitto: Mosquitto, tmp_path: Path) -> None:
    async with link_box(mosquitto, tmp_path) as box:
        async with Peer(port=mosquitto.port, box=box.id) as early:
            await early.until(lambda: bool(early.bodies("state")), "state")
        async with Peer(port=mosquitto.port, box=box.id) as peer:
            await peer.until(lambda: bool(peer.bodies("state") and peer.bodies("link")), "retained messages")
            assert all(m.retain for m in peer.heard if m.topic.endswith(("/link", "/state")))
            link, state = peer.bodies("link")[0], peer.bodies("state")[0]
    assert link.keys() == {*("v", "state", "boot", "sess", "ts", "clk", "chal", "sw", "slot", "proto")}
    assert (link["v"], link["state"], link["clk"], link["sw"], link["proto"]) == (
        1,
        "online",
        "sync",
        "1.2.3",
        ["eb/1"],
    )
    assert state.keys() >= {*("v", "rev", "boot", "sess", "desired_rev", "desired_status", "errors", "health")}
    assert (state["boot"], state["sess"]) == (link["boot"], link["sess"])
    assert state["signal"] == {"state": "locked", "lock_changes": 1}


async def test_each_connection_has_a_new_session_and_challenge_and_leaves_with_offline(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    links: list[dict[str, Any]] = []
    for _ in range(2):
        async with link_box(mosquitto, tmp_path) as box, Peer(port=mosquitto.port, box=box.id) as peer:
            links.append(await peer.online())
        async with Peer(port=mosquitto.port, box=box.id) as peer:
            await peer.until(lambda p=peer: bool(p.bodies("link")), "link")  # type: ignore[misc]
            assert peer.bodies("link")[-1]["state"] == "offline"
    assert links[1]["sess"] > links[0]["sess"]
    assert links[1]["chal"] != links[0]["chal"]


async def test_states_come_at_most_once_a_second_and_the_last_one_counts(mosquitto: Mosquitto, tmp_path: Path) -> None:
    async with link_box(mosquitto, tmp_path) as box, Peer(port=mosquitto.port, box=box.id) as peer:
        await peer.until(lambda: bool(peer.bodies("state")), "state")
        for n in range(100):
            box.board.put("signal", {"state": "locked", "lock_changes": n})
            await asyncio.sleep(0.01)
        await peer.until(lambda: peer.bodies("state")[-1]["signal"]["lock_changes"] == 99, "the last state")
        revs = [b["rev"] for b in peer.bodies("state")]
        assert revs == sorted(set(revs))
        assert len(revs) <= 5


async def test_a_large_status_still_fits_in_16_kib(mosquitto: Mosquitto, tmp_path: Path) -> None:
    async with link_box(mosquitto, tmp_path) as box, Peer(port=mosquitto.port, box=box.id) as peer:
        box.board.put("processes", ["x" * 1000] * 50)
        await peer.until(lambda: any("omitted" in b for b in peer.bodies("state")), "a state that leaves something out")
        assert peer.bodies("state")[-1]["omitted"] == ["processes"]
        assert max(len(m.payload) for m in peer.heard if m.topic.endswith("/state")) <= 16 << 10


async def test_telemetry_flows_while_streaming_only(
    mosquitto: Mosquitto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.link.connection.STREAM_EVERY_S", 0.05)
    async with link_box(mosquitto, tmp_path) as box, Peer(port=mosquitto.port, box=box.id) as peer:
        await peer.until(lambda: bool(peer.bodies("state")), "state")
        assert peer.bodies("tele/stream") == []
        await peer.final(await peer.command("stream.start", {"sink": "srt"}))
        await peer.until(lambda: len(peer.bodies("tele/stream")) >= 2, "telemetry")
        first, second = peer.bodies("tele/stream")[:2]
        assert first.keys() == {*("v", "boot", "n", "mono_ms", "ts", "m")}
        assert second["n"] > first["n"]
        assert all(m.qos == 0 and not m.retain for m in peer.heard if "/tele/" in m.topic)
    assert telemetry.STREAM_EVERY_S == 5.0


async def test_issues_become_alarms_raised_and_cleared(mosquitto: Mosquitto, tmp_path: Path) -> None:
    async with link_box(mosquitto, tmp_path) as box, Peer(port=mosquitto.port, box=box.id) as peer:
        await peer.online()
        issue = {"code": "signal_no_signal", "severity": "error", "since": "2026-01-01T00:00:00Z", "subject": ""}
        for issues in ([issue], []):
            box.board.put("issues", issues)
            count = 1 if issues else 2
            await peer.until(lambda n=count: len(alarms(peer)) == n, "an alarm")  # type: ignore[misc]
        assert alarms(peer) == [("signal_no_signal", "raised", 3), ("signal_no_signal", "cleared", 3)]


def alarms(peer: Peer) -> list[tuple[str, str, int]]:
    return [(e["code"], e["state"], e["sev"]) for e in peer.bodies("evt") if e["kind"] == "alarm"]


async def test_a_killed_box_is_lost_with_its_own_session(mosquitto: Mosquitto, tmp_path: Path) -> None:
    """The broker waits the will delay of 10 s."""
    state_dir = tmp_path / "state"
    box = LinkBox(port=mosquitto.port, state_dir=state_dir)
    argv = [sys.executable, "-m", "tests.mqtt_box", str(mosquitto.port), str(state_dir)]
    process = await asyncio.create_subprocess_exec(*argv, cwd=REPOSITORY)
    try:
        async with Peer(port=mosquitto.port, box=box.id) as peer:
            online = await peer.online()
            os.kill(process.pid, signal.SIGKILL)
            await peer.until(lambda: peer.bodies("link")[-1]["state"] == "lost", "lost", timeout_s=40)
            lost = peer.bodies("link")[-1]
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
    assert (lost["sess"], lost["chal"], lost["boot"]) == (online["sess"], online["chal"], online["boot"])


async def test_a_killed_box_interrupts_what_ran_and_never_runs_it_again(mosquitto: Mosquitto, tmp_path: Path) -> None:
    state_dir = tmp_path / "state"
    box = LinkBox(port=mosquitto.port, state_dir=state_dir)
    box.keyring.add(trust())
    argv = [sys.executable, "-m", "tests.mqtt_box", str(mosquitto.port), str(state_dir)]
    process = await asyncio.create_subprocess_exec(*argv, cwd=REPOSITORY)
    try:
        async with Peer(port=mosquitto.port, box=box.id) as peer:
            await peer.online()
            name = await peer.command("slow.wait")
            await peer.until(lambda: bool(peer.results(name)), "accepted")
            await until(lambda: box.runs == ["slow"], "the run")
            process.kill()
            await process.wait()
            async with box.running():
                assert await peer.final(name) == ("interrupted", "interrupted")
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
    assert box.runs == ["slow"]


async def test_the_box_waits_for_a_broker_that_is_not_there(mosquitto_down: Mosquitto, tmp_path: Path) -> None:
    async with link_box(mosquitto_down, tmp_path) as box:
        await until(lambda: bool(link_of(box)["issues"]), "the issue")
        section = link_of(box)
        assert section["state"] == "offline"
        assert section["issues"][0]["code"] == "broker_unreachable"
        assert f"127.0.0.1:{mosquitto_down.port}" in section["last_error"]
        mosquitto_down.start()
        await until(lambda: link_of(box)["state"] == "online", "online")
        assert link_of(box)["issues"] == []
        async with Peer(port=mosquitto_down.port, box=box.id) as peer:
            await peer.online()
            assert await peer.final(await peer.command("stream.start", {"sink": "srt"})) == ("done", "ok")


async def test_a_restarted_broker_gets_what_was_not_acknowledged_without_a_gap(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    async with link_box(mosquitto, tmp_path) as box:
        async with Peer(port=mosquitto.port, box=box.id) as peer:
            await peer.online()
            for op in ("stream.start", "stream.stop", "stream.start"):
                await peer.final(await peer.command(op, {"sink": "srt"}))
            before = eseqs(peer)
            assert before == list(range(1, len(before) + 1))
            epoch = peer.bodies("res")[0]["epoch"]
            await peer.say("ack", json.dumps({"epoch": epoch, "eseq": 3}).encode())
            await until(lambda: link_of(box)["outbox"] == len(before) - 3, "the acknowledgement")
        mosquitto.stop()
        box.link.audit("while.away", {"n": 1})
        await until(lambda: link_of(box)["state"] == "offline", "offline")
        mosquitto.start()
        async with Peer(port=mosquitto.port, box=box.id) as peer:
            await peer.until(lambda: len(eseqs(peer)) >= len(before) - 3 + 1, "the replay")
            assert eseqs(peer) == list(range(4, len(before) + 2))
            assert {b["epoch"] for leaf in ("evt", "res") for b in peer.bodies(leaf)} == {epoch}


async def test_a_replay_can_be_asked_for(mosquitto: Mosquitto, tmp_path: Path) -> None:
    async with link_box(mosquitto, tmp_path) as box:
        async with Peer(port=mosquitto.port, box=box.id) as peer:
            await peer.online()
            await peer.final(await peer.command("stream.start", {"sink": "srt"}))
        async with Peer(port=mosquitto.port, box=box.id) as peer:
            await peer.final(await peer.command("evt.resend", {"from": 2}))
            await peer.until(lambda: {2, 3} <= set(eseqs(peer)), "the replay")
            assert 1 not in eseqs(peer)
            assert await peer.final(await peer.command("evt.resend", {"from": 0})) == ("rejected", "invalid")


async def test_everything_of_a_long_outage_arrives_in_order(mosquitto_down: Mosquitto, tmp_path: Path) -> None:
    async with link_box(mosquitto_down, tmp_path) as box:
        for n in range(200):
            box.link.audit("test.event", {"n": n})
        await until(lambda: link_of(box)["outbox"] >= 200, "200 letters")
        mosquitto_down.start()
        async with Peer(port=mosquitto_down.port, box=box.id) as peer:
            await peer.until(lambda: len(set(eseqs(peer))) >= 201, "all of them")
            assert list(dict.fromkeys(eseqs(peer))) == list(range(1, 202))


async def test_a_second_client_with_the_same_id_makes_the_box_step_back(mosquitto: Mosquitto, tmp_path: Path) -> None:
    async with link_box(mosquitto, tmp_path) as box:
        await until(lambda: link_of(box)["state"] == "online", "online")
        rival = Engine(client_id=box.id, broker=Broker("127.0.0.1", mosquitto.port))
        await rival.connect()
        message = json.dumps({"v": 1, "state": "online", "boot": "another", "sess": 1}).encode()
        await (await rival.publish(f"eb/1/{box.id}/link", message, retain=True))
        await until(lambda: any(i["code"] == "taken_over" for i in link_of(box)["issues"]), "the issue")
        await rival.close()


async def test_of_two_boxes_with_one_id_one_steps_back_and_the_other_is_left_in_peace(
    mosquitto: Mosquitto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.link.link.Retry", partial(Retry, chance=lambda: 0.5))
    first_dir, copy_dir = tmp_path / "first", tmp_path / "copy"
    first = LinkBox(port=mosquitto.port, state_dir=first_dir)
    first.keyring.add(trust())
    shutil.copytree(first_dir, copy_dir)
    copy = LinkBox(port=mosquitto.port, state_dir=copy_dir)
    async with Peer(port=mosquitto.port, box=first.id) as peer, first.running():
        await peer.online()
        async with copy.running():
            await until(lambda: any("taken_over" in codes(box) for box in (first, copy)), "one of them stepping back")
            await until(lambda: "online" in (link_of(first)["state"], link_of(copy)["state"]), "the other one online")
            seen = len(peer.bodies("link"))
            for _ in range(20):
                assert await peer.final(await peer.command("stream.start", {"sink": "srt"})) == ("done", "ok")
            assert len(peer.bodies("link")) - seen <= 1  # the will of who left may still come
            assert sorted(link_of(box)["state"] for box in (first, copy)) == ["offline", "online"]


def codes(box: LinkBox) -> list[str]:
    return [issue["code"] for issue in link_of(box)["issues"]]


async def test_plain_mqtt_to_another_machine_is_refused() -> None:
    engine = Engine(client_id="box-aabbcc", broker=Broker("192.0.2.1", 1883))
    with pytest.raises(Forbidden, match="needs TLS") as caught:
        await engine.connect()
    assert caught.value.code == "tls_required"
    await engine.close()


async def test_a_closed_engine_says_so(mosquitto: Mosquitto) -> None:
    engine = Engine(client_id="box-aabbcc", broker=Broker("127.0.0.1", mosquitto.port))
    await engine.connect()
    await engine.close()
    await engine.close()
    with pytest.raises(PeerGone):
        await engine.publish("t", b"")
    assert isinstance(await engine.lost(), PeerGone)


async def test_nothing_in_the_event_loop_blocks(mosquitto: Mosquitto, tmp_path: Path) -> None:
    async with link_box(mosquitto, tmp_path) as box, Peer(port=mosquitto.port, box=box.id) as peer:
        await peer.online()
        with blockbuster_ctx("edge.link"):
            for op in ("stream.start", "stream.stop"):
                name = await peer.command(op, {"sink": "srt"})
                await peer.until(lambda n=name: bool(peer.results(n)), "a result")  # type: ignore[misc]
            mosquitto.stop()
            await until(lambda: link_of(box)["state"] == "offline", "offline")


def test_importing_the_link_starts_nothing() -> None:
    code = "import threading, edge.link.link, edge.controller.cli; assert threading.active_count() == 1"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=REPOSITORY)
