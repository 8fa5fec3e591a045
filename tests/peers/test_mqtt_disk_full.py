"""A full disk under journal and outbox: a file system of the test's own without a byte left, with a real broker."""

import asyncio
import contextlib
import os
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.mqtt_box import LinkBox
from tests.mqtt_orders import order, signed, trust
from tests.mqtt_peer import WAIT_S, Peer
from tests.peers.conftest import Mosquitto

pytestmark = pytest.mark.peer
SIZE = "16m"  # several times what SQLite lets its log grow to, as any disk is


class SmallDisk:
    """A tmpfs; `fill` leaves no page of it free."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._ballast = path / "ballast"

    def fill(self) -> None:
        with self._ballast.open("ab", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(4096))

    def free(self) -> None:
        self._ballast.unlink()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    path = tmp_path / "disk"
    path.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(path)], capture_output=True)
    if mounted.returncode:
        pytest.fail(f"this test mounts a tmpfs and needs root: {mounted.stderr.decode().strip()}")
    yield SmallDisk(path)
    subprocess.run(["umount", "-l", str(path)], check=True)


@contextlib.asynccontextmanager
async def link_box(mosquitto: Mosquitto, disk: SmallDisk) -> AsyncIterator[tuple[LinkBox, Peer]]:
    box = LinkBox(port=mosquitto.port, state_dir=disk.path / "state")
    box.runs_path = disk.path.parent / "runs.txt"  # what the test watches is on another disk
    box.keyring.add(trust())
    async with Peer(port=mosquitto.port, box=box.id) as peer, box.running():
        await peer.online()
        yield box, peer


async def until(true: Callable[[], bool], what: str) -> None:
    try:
        async with asyncio.timeout(WAIT_S):
            while not true():
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"never came: {what}") from None


def troubles(box: LinkBox) -> list[str]:
    return [issue["code"] for issue in box.board.get("link")["issues"]]


async def fill_until_it_shows(box: LinkBox, disk: SmallDisk) -> int:
    """Audit events until one no longer fits; how many were given in."""
    disk.fill()
    for n in range(10_000):
        if troubles(box):
            return n
        box.link.audit("test.event", {"n": n, "text": "x" * 500})
        await asyncio.sleep(0.001)
    raise AssertionError("the disk never filled up")


async def test_commands_wait_at_the_broker_and_everything_goes_on_by_itself_when_there_is_room(
    mosquitto: Mosquitto, disk: SmallDisk
) -> None:
    async with link_box(mosquitto, disk) as (box, peer):
        given = await fill_until_it_shows(box, disk)
        assert troubles(box) == ["link_storage"]
        good, old = (order(box.id, "stream.start", {"sink": "srt"}) for _ in range(2))
        old["exp"] = old["iat"] + 1
        for body in (good, old):
            assert await peer.say("cmd", signed(body)) == 0  # the broker has it
        await asyncio.sleep(2.5)  # longer than `old` is good for
        assert (box.runs, peer.results(good["id"])) == ([], [])
        assert box.board.get("link")["state"] == "online"
        disk.free()
        assert await peer.final(good["id"]) == ("done", "ok")
        assert await peer.final(old["id"]) == ("rejected", "expired")
        await until(lambda: troubles(box) == [], "the end of the issue")
        assert box.runs == ["srt live"]
        await peer.until(lambda: len(told(peer)) >= given, "all events")
        assert told(peer) == list(range(given))
        numbers = [body["eseq"] for body in bodies_in_order(peer)]
        assert numbers == list(range(1, len(numbers) + 1))


def told(peer: Peer) -> list[int]:
    return [event["data"]["n"] for event in peer.bodies("evt") if event["code"] == "test.event"]


def bodies_in_order(peer: Peer) -> list[dict[str, Any]]:
    return sorted((*peer.bodies("evt"), *peer.bodies("res")), key=lambda body: int(body["eseq"]))


async def test_the_state_says_that_the_disk_is_full_while_it_is(mosquitto: Mosquitto, disk: SmallDisk) -> None:
    async with link_box(mosquitto, disk) as (box, peer):
        await fill_until_it_shows(box, disk)
        await peer.until(
            lambda: [i["code"] for i in peer.bodies("state")[-1]["link"]["issues"]] == ["link_storage"], "the issue"
        )


async def test_a_result_is_not_lost_when_the_disk_fills_up_while_its_command_runs(
    mosquitto: Mosquitto, disk: SmallDisk
) -> None:
    async with link_box(mosquitto, disk) as (box, peer):
        name = await peer.command("slow.wait")
        await peer.until(lambda: bool(peer.results(name)), "accepted")
        await fill_until_it_shows(box, disk)
        box.release.set()
        await asyncio.sleep(0.5)
        assert peer.results(name) == [("accepted", "ok")]
        disk.free()
        assert await peer.final(name) == ("done", "ok")
        assert box.runs == ["slow"]


async def test_a_box_that_starts_on_a_full_disk_comes_up_when_there_is_room(
    mosquitto: Mosquitto, disk: SmallDisk
) -> None:
    async with link_box(mosquitto, disk) as (box, peer):
        acknowledged = await peer.command("stream.start", {"sink": "srt"})
        assert await peer.final(acknowledged) == ("done", "ok")
    disk.fill()
    again = LinkBox(port=mosquitto.port, state_dir=box.state_dir)
    again.runs_path = box.runs_path
    async with Peer(port=mosquitto.port, box=again.id) as peer:
        with contextlib.suppress(Exception):  # without room for its first word the link is begun anew
            async with asyncio.timeout(1.5), again.running():
                await asyncio.sleep(60)
        assert os.statvfs(disk.path).f_bavail == 0
        disk.free()
        async with again.running():
            assert await peer.final(await peer.command("stream.stop", {"sink": "srt"})) == ("done", "ok")
    assert again.runs == ["srt live", "srt stopped"]
