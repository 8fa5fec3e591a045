"""Whoever holds the broker says what he likes to box and controller: neither dies, obeys or loses count."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from edge.controller.client import Controller
from edge.controller.home import Home
from edge.link.engine import Broker
from edge.vault.keyring import trusted_key
from tests.durability.stand import read
from tests.hostile import ENDED, NARROW, envelopes
from tests.mqtt_box import LinkBox
from tests.mqtt_orders import FAR_S, trust
from tests.mqtt_peer import Peer
from tests.peers.conftest import Mosquitto

pytestmark = pytest.mark.peer


@contextlib.asynccontextmanager
async def link_box(mosquitto: Mosquitto, tmp_path: Path) -> AsyncIterator[tuple[LinkBox, Peer]]:
    box = LinkBox(port=mosquitto.port, state_dir=tmp_path / "state")
    for key in (trust(), trust(kid=NARROW, ops=("record.*",)), trust(kid=ENDED, not_after_s=1000)):
        box.keyring.add(key)
    async with Peer(port=mosquitto.port, box=box.id) as peer, box.running():
        await peer.online()
        yield box, peer


async def test_every_hostile_envelope_is_refused_by_its_code_and_the_box_goes_on(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    async with link_box(mosquitto, tmp_path) as (box, peer):
        sent = envelopes(box.id, int(time.time()))
        for raw, _ in sent.values():
            assert await peer.say("cmd", raw) == 0
        assert await peer.final(await peer.command("stream.start", {"sink": "srt"})) == ("done", "ok")
        assert box.runs == ["srt live"]
        answered = {r["cmd"]["id"]: r["cmd"]["code"] for r in peer.bodies("res")}
        told = [code for raw, code in sent.values() if (name := _id_of(raw)) in answered and answered[name] == code]
        assert len(told) > 40
        assert [e["code"] for e in peer.bodies("evt")].count("command.refused") == 1


async def test_garbage_on_the_boxs_other_topics_is_counted_and_nothing_dies(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    async with link_box(mosquitto, tmp_path) as (box, peer):
        for raw in _garbage():
            await peer.say("ack", raw)
            await peer.say("link", raw)
            await peer.say("../_ctl/thief", raw)
        for eseq in (-1, True, 2, 1 << 52, 1 << 60, 1.0, "1", None, [], {}):
            for epoch in ("", "x" * 1000, peer.bodies("evt")[0]["epoch"]):
                await peer.say("ack", json.dumps({"epoch": epoch, "eseq": eseq}).encode())
        assert await peer.final(await peer.command("stream.start", {"sink": "srt"})) == ("done", "ok")
        assert box.board.get("link")["state"] == "online"


async def test_a_controller_outlives_garbage_on_every_topic_and_acknowledges_only_what_it_has(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    home = Home(tmp_path / "controller")
    heard: list[Any] = []
    async with link_box(mosquitto, tmp_path) as (box, peer):
        box.keyring.add(_enrolled(home))
        broker = Broker("127.0.0.1", mosquitto.port)
        async with Controller(
            broker=broker, key=home.key(), home=home, follow=True, on_event=lambda box, event: heard.append(event)
        ) as controller:
            assert (await controller.send(box.id, "stream.start", {"sink": "srt"})).st == "done"
            async with Peer(port=mosquitto.port, box="box-thief1") as thief:
                for raw in _garbage():
                    for leaf in ("link", "state", "evt", "res", "tele/stream", "tele/health", "desired", "x/y/z", ""):
                        await thief.say(leaf, raw)
                        if leaf != "link":  # the box itself would step back from a rival of its name
                            await peer.say(leaf, raw)
            assert (await controller.send(box.id, "stream.stop", {"sink": "srt"})).st == "done"
            assert controller.connected
            await asyncio.sleep(1.5)  # an acknowledgement is due each second
        epoch, last = _numbers(box)
        acked = [b["eseq"] for b in peer.bodies("ack") if b["epoch"] == epoch]
        assert acked == sorted(acked)
        assert all(eseq <= last for eseq in acked)


async def test_a_forged_result_cannot_be_told_from_a_real_one(mosquitto: Mosquitto, tmp_path: Path) -> None:
    """Results are not signed: whoever holds the broker can lie about what a box did, though not make it do anything."""
    home = Home(tmp_path / "controller")
    async with link_box(mosquitto, tmp_path) as (box, peer):
        box.keyring.add(_enrolled(home))
        async with Controller(broker=Broker("127.0.0.1", mosquitto.port), key=home.key(), home=home) as controller:
            sending = asyncio.ensure_future(controller.send(box.id, "slow.wait"))
            await peer.until(lambda: bool(peer.bodies("res")), "accepted")
            real = peer.bodies("res")[-1]
            lie = {**real, "eseq": real["eseq"] + 1000, "cmd": {**real["cmd"], "st": "failed", "code": "a_lie"}}
            await peer.say("res", json.dumps(lie).encode())
            assert (await sending).code == "a_lie"
            box.release.set()


def _enrolled(home: Home) -> Any:
    key = home.key()
    return trusted_key(kid=key.kid, public=key.public.base64, ops=("*",), boxes=("*",), not_after_s=FAR_S)


def _numbers(box: LinkBox) -> tuple[str, int]:
    """The epoch and the last number of the box's order."""
    found = dict(read(box.state_dir / "link.sqlite", "SELECT name, value FROM meta"))
    return found["epoch"], found["eseq"]


def _id_of(raw: bytes) -> str:
    import base64

    with contextlib.suppress(ValueError, KeyError, TypeError, RecursionError):
        return str(json.loads(base64.urlsafe_b64decode(json.loads(raw)["p"] + "=="))["id"])
    return ""


def _garbage() -> list[bytes]:
    """Bytes that are no message, and messages whose every field is of the wrong kind."""
    strange: list[Any] = [None, True, -1, 1 << 53, 10**400, 1e308, "", "\ud800", "\x1b[2J", [], {}, [[]], {"a": {}}]
    fields = ("v", "state", "boot", "sess", "ts", "clk", "chal", "rev", "m", "epoch", "eseq", "kind", "cmd", "data")
    found = [b"", b"\x00", b"\xff\xfe", b"{", b"[]", b"5", b"[" * 60_000, b'{"a":' * 10_000, b'{"v":1,"v":1}', b"NaN"]
    base = {"v": 1, "epoch": "e", "eseq": 5, "kind": "res", "cmd": {"id": "x", "st": "done"}, "sess": 1, "rev": 1}
    found += [json.dumps({**base, field: value}).encode() for field in fields for value in strange]
    found += [json.dumps({**base, "cmd": {"id": v, "st": w}}).encode() for v in strange for w in ("done", None, [])]
    return found
