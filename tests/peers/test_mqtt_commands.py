"""Commands over a real broker, sent by a program that knows only the contract."""

import asyncio
import contextlib
import json
import subprocess
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.mqtt_box import LinkBox, ToldClock
from tests.mqtt_orders import KID, STRANGER, order, signed, trust
from tests.mqtt_peer import Peer
from tests.peers.conftest import Mosquitto

pytestmark = pytest.mark.peer


@contextlib.asynccontextmanager
async def link_box(mosquitto: Mosquitto, tmp_path: Path, *, synced: bool = True) -> AsyncIterator[tuple[LinkBox, Peer]]:
    box = LinkBox(port=mosquitto.port, state_dir=tmp_path / "state", clock=ToldClock(synced=synced))
    box.keyring.add(trust())
    async with Peer(port=mosquitto.port, box=box.id) as peer, box.running():
        await peer.online()
        yield box, peer


async def test_start_and_stop_are_accepted_then_done_and_seen_in_the_state(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    async with link_box(mosquitto, tmp_path) as (box, peer):
        for op, state in (("stream.start", "live"), ("stream.stop", "stopped")):
            name = await peer.command(op, {"sink": "srt"})
            assert await peer.final(name) == ("done", "ok")
            assert peer.results(name) == [("accepted", "ok"), ("done", "ok")]
            await peer.until(
                lambda s=state: any(b["sinks"][0]["state"] == s for b in peer.bodies("state")[-1:]),  # type: ignore[misc]
                f"state with the sink {state}",
            )
        assert box.runs == ["srt live", "srt stopped"]
        done = peer.bodies("res")[-1]
        assert done["data"] == {"sink": "srt", "state": "stopped"}


async def test_an_operations_own_refusal_reaches_the_caller(mosquitto: Mosquitto, tmp_path: Path) -> None:
    async with link_box(mosquitto, tmp_path) as (_, peer):
        assert await peer.final(await peer.command("stream.start", {"sink": "no"})) == ("rejected", "unknown_sink")


async def test_each_refusal_names_its_code_and_nothing_runs(mosquitto: Mosquitto, tmp_path: Path) -> None:
    async with link_box(mosquitto, tmp_path) as (box, peer):
        box.keyring.add(trust(kid="ctl-narrow", ops=("record.*",)))
        box.keyring.add(trust(kid="ctl-ended", not_after_s=1000))
        now_s = int(time.time())

        async def code(raw_order: dict[str, object], **how: object) -> str:
            await peer.say("cmd", signed(raw_order, **how))
            st, refusal = await peer.final(str(raw_order["id"]))
            assert st == "rejected"
            return refusal

        def start(**changes: object) -> dict[str, object]:
            return {**order(box.id, "stream.start", {"sink": "srt"}), **changes}

        assert await code(start(), key=STRANGER) == "bad_signature"
        assert await code(start(), kid="ctl-nobody") == "unknown_key"
        assert await code(start(), kid="ctl-narrow") == "forbidden"
        assert await code(start(), kid="ctl-ended") == "key_expired"
        assert await code(start(box="box-another")) == "wrong_box"
        assert await code(start(v=2)) == "unknown_version"
        assert await code(start(iat=now_s - 100, exp=now_s - 40)) == "expired"
        assert await code(start(iat=now_s + 600, exp=now_s + 660)) == "expired"
        assert await code(start(op="no.such")) == "unknown_operation"
        assert await code(start(op="system.reset")) == "challenge_needed"
        assert await code(start(if_rev=999_999)) == "rev_mismatch"
        assert await code(start(args=[])) == "malformed"
        assert box.runs == []
        assert await peer.final(await peer.command("stream.start", {"sink": "srt"})) == ("done", "ok")


async def test_a_sensitive_command_runs_with_the_current_challenge(mosquitto: Mosquitto, tmp_path: Path) -> None:
    async with link_box(mosquitto, tmp_path) as (box, peer):
        chal = (await peer.online())["chal"]
        assert await peer.final(await peer.command("system.reset", chal="AAAA")) == ("rejected", "challenge_needed")
        assert await peer.final(await peer.command("system.reset", chal=chal)) == ("done", "ok")
        assert box.runs == ["reset"]


async def test_without_a_synchronised_clock_every_command_needs_the_challenge(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    async with link_box(mosquitto, tmp_path, synced=False) as (_, peer):
        link = await peer.online()
        assert link["clk"] == "unsync"
        args = {"sink": "srt"}
        assert await peer.final(await peer.command("stream.start", args)) == ("rejected", "challenge_needed")
        assert await peer.final(await peer.command("stream.start", args, chal=link["chal"])) == ("done", "ok")


async def test_a_duplicate_id_resends_the_result_and_does_not_run_twice(mosquitto: Mosquitto, tmp_path: Path) -> None:
    async with link_box(mosquitto, tmp_path) as (box, peer):
        body = order(box.id, "stream.start", {"sink": "srt"})
        await peer.say("cmd", signed(body))
        await peer.final(body["id"])
        await peer.say("cmd", signed(body))
        await peer.until(lambda: len(peer.results(body["id"])) == 3, "the stored result again")
        assert peer.results(body["id"]) == [("accepted", "ok"), ("done", "ok"), ("done", "ok")]
        assert peer.bodies("res")[-1]["data"] == peer.bodies("res")[-2]["data"]
        assert box.runs == ["srt live"]


async def test_a_counter_that_does_not_rise_is_stale(mosquitto: Mosquitto, tmp_path: Path) -> None:
    async with link_box(mosquitto, tmp_path) as (box, peer):
        body = order(box.id, "stream.start", {"sink": "srt"})
        await peer.say("cmd", signed(body))
        assert await peer.final(body["id"]) == ("done", "ok")
        again = await peer.command("stream.start", {"sink": "srt"}, ctr=body["ctr"])
        assert await peer.final(again) == ("rejected", "stale")
        assert len(box.runs) == 1


async def test_garbage_and_oversize_are_one_event_and_nothing_dies(mosquitto: Mosquitto, tmp_path: Path) -> None:
    async with link_box(mosquitto, tmp_path) as (box, peer):
        for raw in (b"\x00\xff", b"{", b"[" * 60_000, b"x" * (65 << 10), signed({"op": 1})):
            assert await peer.say("cmd", raw) == 0
        await peer.say("ack", b"garbage")
        assert await peer.final(await peer.command("stream.start", {"sink": "srt"})) == ("done", "ok")
        refused = [e for e in peer.bodies("evt") if e["code"] == "command.refused"]
        assert len(refused) == 1
        assert refused[0]["kind"] == "audit"
        async with asyncio.timeout(10):
            while box.board.get("link")["refused"] != {"malformed": 5, "too_large": 1}:
                await asyncio.sleep(0.05)


async def test_what_is_over_the_packet_limit_does_not_hurt(mosquitto: Mosquitto, tmp_path: Path) -> None:
    async with link_box(mosquitto, tmp_path) as (box, peer):
        big = tmp_path / "big"
        big.write_bytes(b"x" * (300 << 10))
        topic = f"eb/1/{box.id}/cmd"
        subprocess.run(["mosquitto_pub", "-p", str(mosquitto.port), "-t", topic, "-f", str(big)], capture_output=True)  # noqa: ASYNC221
        assert await peer.final(await peer.command("stream.start", {"sink": "srt"})) == ("done", "ok")


async def test_a_retained_command_is_dropped_and_reported_live_or_kept(mosquitto: Mosquitto, tmp_path: Path) -> None:
    box = LinkBox(port=mosquitto.port, state_dir=tmp_path / "state")
    box.keyring.add(trust())
    async with Peer(port=mosquitto.port, box=box.id) as peer:
        kept = order(box.id, "stream.start", {"sink": "srt"})
        await peer.say("cmd", signed(kept), retain=True)
        async with box.running():
            await peer.until(lambda: any(e["code"] == "command.refused" for e in peer.bodies("evt")), "the report")
            live = order(box.id, "stream.start", {"sink": "srt"})
            await peer.say("cmd", signed(live), retain=True)
            await peer.say("cmd", b"", retain=True)
            assert await peer.final(await peer.command("stream.stop", {"sink": "srt"})) == ("done", "ok")
        assert peer.results(kept["id"]) == []
        assert peer.results(live["id"]) == []
        assert box.runs == ["srt stopped"]


async def test_a_command_sent_while_the_box_was_away_runs_once_when_it_is_back(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    async with link_box(mosquitto, tmp_path) as (box, peer):
        pass
    async with Peer(port=mosquitto.port, box=box.id) as peer:
        name = await peer.command("stream.start", {"sink": "srt"})
        async with LinkBox(port=mosquitto.port, state_dir=box.state_dir).running():
            assert await peer.final(name) == ("done", "ok")
    assert box.runs == ["srt live"]


async def test_another_keys_signature_beside_a_good_one_changes_nothing(mosquitto: Mosquitto, tmp_path: Path) -> None:
    async with link_box(mosquitto, tmp_path) as (box, peer):
        body = order(box.id, "stream.start", {"sink": "srt"})
        envelope = json.loads(signed(body))
        envelope["sigs"].insert(0, json.loads(signed(body, key=STRANGER, kid="ctl-x"))["sigs"][0])
        await peer.say("cmd", json.dumps(envelope).encode())
        assert await peer.final(body["id"]) == ("done", "ok")
        assert box.keyring.find(KID) is not None
