"""Desired documents over a real broker, written by a program that knows only the contract; the wishes are real."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from edge.app.desired_wishes import DesiredWishes
from edge.app.wishes import Wishes
from edge.config.model import Config
from edge.modality.library import Library
from edge.vault.seal import Sealer
from tests.mqtt_box import LinkBox
from tests.mqtt_orders import desired, signed, trust
from tests.mqtt_peer import WAIT_S, Peer
from tests.peers.conftest import Mosquitto

pytestmark = pytest.mark.peer
STOPPED = {"sinks": {"webrtc": {"running": False}}}
MASKED = {"mask": {"rects": [[0, 0, 9, 9]], "of": [1920, 1080]}}


class WishBox(LinkBox):
    """A link with the box's real wishes behind it."""

    def __init__(self, mosquitto: Mosquitto, folder: Path) -> None:
        sealer = Sealer(folder / "box.key")
        self.wishes = Wishes(config=Config(), path=folder / "wishes", sealer=sealer, library=Library.load(None))
        applier = DesiredWishes(wishes=self.wishes, picture_size=lambda: (1920, 1080))
        super().__init__(port=mosquitto.port, state_dir=folder / "state", desired=applier)


@contextlib.asynccontextmanager
async def wish_box(mosquitto: Mosquitto, folder: Path) -> AsyncIterator[tuple[WishBox, Peer]]:
    box = WishBox(mosquitto, folder)
    box.keyring.add(trust())
    async with Peer(port=mosquitto.port, box=box.id) as peer, box.running():
        await peer.online()
        yield box, peer


async def publish(peer: Peer, rev: int, **sections: Any) -> None:
    await peer.say("desired", signed(desired(peer.box, rev, **sections), pt="eb/1/desired"), retain=True)


async def state_says(peer: Peer, word: str) -> dict[str, Any]:
    """The state once it says so: `rev status path:code ...`."""

    def newest() -> str:
        said = peer.bodies("state")[-1:] or [{"desired_rev": "", "desired_status": "", "errors": ()}]
        errors = [f"{error['path']}:{error['code']}" for error in said[0]["errors"]]
        return " ".join((str(said[0]["desired_rev"]), said[0]["desired_status"], *errors))

    await peer.until(lambda: newest() == word, f"state {word}")
    return peer.bodies("state")[-1]


def audits(peer: Peer) -> list[str]:
    """Each once, in their order: what was sent is sent again at another broker."""
    told = {event["eseq"]: event["code"] for event in peer.bodies("evt") if event["code"].startswith("desired.")}
    return [told[eseq] for eseq in sorted(told)]


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test need not wait a second for each state."""
    monkeypatch.setattr("edge.link.connection._STATE_EVERY_S", 0.05)
    monkeypatch.setattr("edge.link.link._STATUS_EVERY_S", 0.05)


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Mosquitto]:
    """Another broker."""
    broker = Mosquitto(tmp_path / "other")
    yield broker
    broker.stop()


async def test_a_retained_document_is_applied_at_connect_and_holds_without_a_broker(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    box = WishBox(mosquitto, tmp_path)
    box.keyring.add(trust())
    async with Peer(port=mosquitto.port, box=box.id) as peer:
        await publish(peer, 57, **STOPPED)
        async with box.running():
            state = await state_says(peer, "57 applied")
            assert (state["desired"]["applied_rev"], state["desired"]["drift"]) == (57, [])
            assert not box.wishes.webrtc_running
        await peer.until(lambda: audits(peer) == ["desired.applied"], "the audit")
    mosquitto.stop()
    again = WishBox(mosquitto, tmp_path)
    assert not again.wishes.webrtc_running
    async with again.running(), asyncio.timeout(WAIT_S):
        while (again.board.get("desired") or {}).get("applied_rev") != 57:
            await asyncio.sleep(0.02)


async def test_only_newer_revisions_change_the_box_whatever_the_broker_plays_back(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    async with wish_box(mosquitto, tmp_path) as (box, peer):
        await publish(peer, 57, **STOPPED)
        await state_says(peer, "57 applied")
        await publish(peer, 58)
        await state_says(peer, "58 applied")
        assert box.wishes.webrtc_running
        await publish(peer, 57, **STOPPED)
        await publish(peer, 58, **STOPPED)
        await state_says(peer, "58 rejected /rev:rev_conflict")
        await publish(peer, 58)
        await state_says(peer, "58 applied")
        await peer.say("desired", b"", retain=True)
        await publish(peer, 59, sinks={"a": {"url": "srt://h:1?mode=caller", "latency_ms": 9999}}, preset="no")
        state = await state_says(peer, "59 rejected /preset:unknown_preset /sinks/a/latency_ms:range")
        assert (state["desired"]["applied_rev"], box.wishes.webrtc_running) == (58, True)
        await peer.until(lambda: any(e["code"] == "command.refused" for e in peer.bodies("evt")), "the stale one")


async def test_what_commands_changed_since_is_named_as_drift(mosquitto: Mosquitto, tmp_path: Path) -> None:
    async with wish_box(mosquitto, tmp_path) as (box, peer):
        await publish(peer, 57, **STOPPED)
        await state_says(peer, "57 applied")
        box.wishes.set_running("webrtc", True)
        await peer.until(lambda: peer.bodies("state")[-1]["desired"]["drift"] == ["/sinks/webrtc"], "the drift")
        await publish(peer, 58, **STOPPED)
        await peer.until(lambda: peer.bodies("state")[-1]["desired"]["drift"] == [], "no drift")


async def test_a_document_that_unmasks_waits_for_the_challenge(mosquitto: Mosquitto, tmp_path: Path) -> None:
    async with wish_box(mosquitto, tmp_path) as (box, peer):
        chal = (await peer.online())["chal"]
        await publish(peer, 1, **MASKED)
        await state_says(peer, "1 applied")
        await publish(peer, 2)
        await state_says(peer, "2 pending /mask:challenge_needed")
        assert box.wishes.picture.own_mask is not None
        await publish(peer, 3, chal=chal)
        await state_says(peer, "3 applied")
        assert box.wishes.picture.own_mask is None


async def test_the_link_goes_to_another_broker_and_stays_there(
    mosquitto: Mosquitto, other: Mosquitto, tmp_path: Path
) -> None:
    other.start()
    async with wish_box(mosquitto, tmp_path) as (box, peer), Peer(port=other.port, box=box.id) as away:
        chal = (await peer.online())["chal"]
        network = {"broker": {"host": "127.0.0.1", "port": other.port}}
        await publish(peer, 1, network=network, chal=chal, **STOPPED)
        await state_says(away, "1 applied")
        assert not box.wishes.webrtc_running
        await peer.until(lambda: peer.bodies("link")[-1]["state"] == "offline", "good-bye")
        assert await away.final(await away.command("stream.start", {"sink": "srt"})) == ("done", "ok")
    async with Peer(port=other.port, box=box.id) as away:
        sess = away.bodies("link")[-1:]
        async with WishBox(mosquitto, tmp_path).running():
            await away.until(lambda: away.bodies("link")[-1:] != sess, "the next start")
            await away.online()


async def test_a_broker_that_is_not_reached_in_time_is_given_up_for_good(
    mosquitto: Mosquitto, other: Mosquitto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.link.network.TRIAL_S", 0.5)
    async with wish_box(mosquitto, tmp_path) as (box, peer):
        chal = (await peer.online())["chal"]
        await publish(peer, 1, **MASKED)
        await state_says(peer, "1 applied")
        network = {"broker": {"host": "127.0.0.1", "port": other.port}}
        await publish(peer, 2, network=network, chal=chal, **MASKED, **STOPPED)
        await state_says(peer, "2 rejected /network/broker:link_not_back")
        assert box.wishes.webrtc_running
        sess = (await peer.online())["sess"]
        assert await peer.final(await peer.command("stream.start", {"sink": "srt"})) == ("done", "ok")
        await peer.until(lambda: audits(peer) == ["desired.applied", "desired.pending", "desired.rejected"], "audits")
        assert (await peer.online())["sess"] == sess  # the retained document came again, and was not tried again


async def test_plain_mqtt_to_another_machine_is_given_up_at_once(mosquitto: Mosquitto, tmp_path: Path) -> None:
    async with wish_box(mosquitto, tmp_path) as (_, peer):
        chal = (await peer.online())["chal"]
        await publish(peer, 1, network={"broker": {"host": "192.0.2.1", "port": 1883}}, chal=chal)
        await state_says(peer, "1 rejected /network/broker:tls_required")
