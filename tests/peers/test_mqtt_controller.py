"""The controller's library against real links and a real broker: nothing twice, nothing lost."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import sys
import time
from asyncio.subprocess import PIPE
from pathlib import Path
from typing import Any

import pytest

from edge.controller import commands, events
from edge.controller.client import Controller
from edge.controller.home import Home
from edge.link.engine import Broker
from edge.model.command import ResultState
from edge.model.errors import EdgeError
from tests.mqtt_box import LinkBox
from tests.mqtt_fleet import REPOSITORY, fleet, trusting_box
from tests.mqtt_peer import Peer
from tests.peers.conftest import Mosquitto

pytestmark = pytest.mark.peer
START = ("stream.start", {"sink": "srt"})


def controller(mosquitto: Mosquitto, home_path: Path, **how: Any) -> Controller:
    home = Home(home_path)
    return Controller(broker=Broker("127.0.0.1", mosquitto.port), key=home.key(), home=home, **how)


async def settled(far: Controller, *boxes: LinkBox) -> None:
    """Everything that the boxes have said is on disk, and they know it."""
    async with asyncio.timeout(30):
        while any(box.board.get("link")["outbox"] or far.taken(box.id) is None for box in boxes):
            await asyncio.sleep(0.05)


def kept(home: Path, box: str) -> list[int]:
    """The numbers in the record, as another program reads them; gaps are negative."""
    with sqlite3.connect(home / "ledger.sqlite") as db:
        found = [-e.eseq if e.gap else e.eseq for e in events.read(db, box=box, limit=100_000)]
    db.close()
    return found


async def test_events_of_many_boxes_are_on_disk_in_order_before_they_are_acknowledged(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    told: dict[str, list[int]] = {}
    async with fleet(mosquitto.port, tmp_path, 3) as (boxes, home):
        note = lambda box, event: told.setdefault(box, []).append(event["eseq"])  # noqa: E731
        async with controller(mosquitto, home, follow=True, on_event=note) as far:
            sent = await asyncio.gather(*(far.send(box.id, *START) for box in boxes for _ in range(20)))
            assert {result.st for result in sent} == {ResultState.DONE}
            await settled(far, *boxes)
            heads = {box.id: far.taken(box.id) for box in boxes}
        for box in boxes:
            head = heads[box.id]
            assert head is not None
            assert told[box.id] == kept(home, box.id) == list(range(1, head.upto + 1))
            assert len(box.runs) == 20


FOLLOWER = """
import asyncio, sys
from pathlib import Path
from edge.controller.client import Controller
from edge.controller.home import Home
from edge.link.engine import Broker

async def main():
    home = Home(Path(sys.argv[1]))
    broker = Broker("127.0.0.1", int(sys.argv[2]))
    async with Controller(broker=broker, key=home.key(), home=home, follow=True):
        print("here", flush=True)
        await asyncio.sleep(3600)

asyncio.run(main())
"""


async def test_a_controller_killed_again_and_again_loses_and_doubles_nothing(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    async with fleet(mosquitto.port, tmp_path, 1) as ((box,), home):
        async with controller(mosquitto, home) as far:
            for _ in range(4):
                process = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-c", FOLLOWER, str(home), str(mosquitto.port)), cwd=REPOSITORY, stdout=PIPE
                )
                assert process.stdout is not None
                await process.stdout.readline()
                await asyncio.gather(*(far.send(box.id, *START) for _ in range(15)))
                process.kill()
                await process.wait()
            await far.send(box.id, *START)
        async with controller(mosquitto, home, follow=True) as last:
            await last.send(box.id, *START)
            await settled(last, box)
            head = last.taken(box.id)
        assert head is not None
        assert kept(home, box.id) == list(range(1, head.upto + 1))
        assert head.upto >= 2 * 62


async def test_what_the_box_no_longer_has_is_noted_with_its_numbers(
    mosquitto: Mosquitto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.controller.follow.QUIET_S", 0.5)
    async with fleet(mosquitto.port, tmp_path, 1) as ((box,), home):
        async with controller(mosquitto, home) as far:
            for _ in range(5):
                await far.send(box.id, *START)
        with sqlite3.connect(box.state_dir / "link.sqlite") as db:
            db.execute("DELETE FROM outbox WHERE eseq BETWEEN 2 AND 6")
        db.close()
        async with controller(mosquitto, home, follow=True) as far:
            await far.send(box.id, *START)
            await settled(far, box)
            head = far.taken(box.id)
        assert head is not None
        assert kept(home, box.id) == [1, -2, *range(7, head.upto + 1)]
        with sqlite3.connect(home / "ledger.sqlite") as db:
            gap = next(entry for entry in events.read(db, box=box.id) if entry.gap)
        db.close()
        assert gap.body["data"] == {"first": 2, "last": 6, "reason": "the box no longer has them"}


async def test_a_command_with_an_id_of_ones_own_runs_once_whoever_repeats_it(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    async with fleet(mosquitto.port, tmp_path, 1) as ((box,), home):
        async with controller(mosquitto, home) as far:
            first = await far.send(box.id, *START, id="my-id-1")
            assert await far.send(box.id, *START, id="my-id-1") == first
        async with controller(mosquitto, home) as far:
            assert await far.send(box.id, *START, id="my-id-1") == first
            with pytest.raises(EdgeError) as caught:
                await far.send(box.id, "stream.stop", {"sink": "srt"}, id="my-id-1")
            assert caught.value.code == "id_reused"
        assert box.runs == ["srt live"]


async def test_a_controller_that_dies_between_sending_and_the_result_learns_it_from_the_box(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    """What is on disk here is that it was sent; the box's journal has the rest."""
    async with fleet(mosquitto.port, tmp_path, 1) as ((box,), home):
        async with controller(mosquitto, home) as far:
            done = await far.send(box.id, *START, id="my-id-2")
            await far.ledger.run(lambda db: db.execute("UPDATE commands SET result = NULL"))
        async with controller(mosquitto, home) as far:
            again = await far.send(box.id, *START, id="my-id-2")
            assert (again.st, again.payload) == (done.st, done.payload)
            assert await far.ledger.run(commands.unfinished) == []
        assert box.runs == ["srt live"]


async def test_an_id_is_good_after_its_envelope_has_expired(mosquitto: Mosquitto, tmp_path: Path) -> None:
    async with fleet(mosquitto.port, tmp_path, 1) as ((box,), home):
        async with controller(mosquitto, home) as far:
            await far.send(box.id, *START, id="my-id-3", valid_s=1)
            await far.ledger.run(lambda db: db.execute("UPDATE commands SET result = NULL, exp_ms = 1"))
            assert (await far.send(box.id, *START, id="my-id-3")).st is ResultState.DONE
        assert box.runs == ["srt live"]


async def test_two_controllers_with_one_home_are_not_stale_to_each_other(mosquitto: Mosquitto, tmp_path: Path) -> None:
    async with (
        fleet(mosquitto.port, tmp_path, 1) as ((box,), home),
        controller(mosquitto, home) as one,
        controller(mosquitto, home) as other,
    ):
        sent = await asyncio.gather(*(far.send(box.id, *START) for _ in range(20) for far in (one, other)))
        assert {result.st for result in sent} == {ResultState.DONE}
    assert len(box.runs) == 40


async def test_a_clock_set_back_makes_no_command_stale(mosquitto: Mosquitto, tmp_path: Path) -> None:
    async with fleet(mosquitto.port, tmp_path, 1) as ((box,), home):
        counter = home / "counter.json"
        async with controller(mosquitto, home) as far:
            await far.send(box.id, *START)
        ahead = time.time_ns() // 1000 + 86_400_000_000
        counter.write_text(json.dumps({"ctr": ahead}))
        async with controller(mosquitto, home) as far:
            assert (await far.send(box.id, *START)).st is ResultState.DONE
        counter.unlink()
        async with controller(mosquitto, home) as far:  # behind what the box has seen, and nothing here says so
            counter.write_text(json.dumps({"ctr": ahead + 1_000_000_000}))
            assert (await far.send(box.id, *START)).st is ResultState.DONE
    assert len(box.runs) == 3


async def test_a_challenge_outdated_on_the_way_is_replaced_under_the_same_id(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    box = trusting_box(mosquitto.port, tmp_path / "box", home)
    async with box.running(), controller(mosquitto, home) as far:
        view = await far.box(box.id)
        far.fleet.apply(box.id, "link", {**view.link, "chal": "AAAAAAAAAAAAAAAAAAAAAA=="}, now_s=0)
        sending = asyncio.ensure_future(far.send(box.id, "system.reset"))
        async with asyncio.timeout(20):
            while not any(b"challenge_needed" in body for body in posted(box)):
                await asyncio.sleep(0.05)
        far.fleet.apply(box.id, "link", view.link, now_s=0)
        far._heard.set()
        assert (await sending).st is ResultState.DONE
    assert box.runs == ["reset"]


def posted(box: LinkBox) -> list[bytes]:
    with sqlite3.connect(box.state_dir / "link.sqlite") as db:
        found = [row[0] for row in db.execute("SELECT body FROM outbox").fetchall()]
    db.close()
    return found


async def test_a_broker_restarted_under_load_costs_no_command(mosquitto: Mosquitto, tmp_path: Path) -> None:
    async with fleet(mosquitto.port, tmp_path, 1) as ((box,), home):
        async with controller(mosquitto, home, follow=True) as far:
            await far.send(box.id, *START)

            async def send(n: int) -> ResultState:
                await asyncio.sleep(n * 0.05)
                async with asyncio.timeout(50):
                    while True:
                        try:
                            return (await far.send(box.id, *START, id=f"load-{n}", timeout_s=30)).st
                        except EdgeError:
                            await asyncio.sleep(0.2)

            sending = asyncio.gather(*(send(n) for n in range(20)))
            await asyncio.sleep(0.3)
            mosquitto.stop()
            mosquitto.start()
            assert set(await sending) == {ResultState.DONE}
            await far.send(box.id, *START)
            await settled(far, box)
            head = far.taken(box.id)
        assert head is not None
        assert kept(home, box.id) == list(range(1, head.upto + 1))
    assert len(box.runs) == 22


async def test_a_full_disk_holds_everything_up_and_loses_nothing(mosquitto: Mosquitto, tmp_path: Path) -> None:
    def limit(db: sqlite3.Connection, pages: int) -> None:
        db.execute(f"PRAGMA max_page_count = {pages}")

    async with fleet(mosquitto.port, tmp_path, 1) as ((box,), home):
        async with controller(mosquitto, home, follow=True) as far, controller(mosquitto, home) as other:
            await far.send(box.id, *START)
            await settled(far, box)
            await far.ledger.run(lambda db: limit(db, 1))
            for n in range(30):
                await other.send(box.id, *START, id=f"big-{n}")
            full = far.taken(box.id)
            assert full is not None
            assert full.upto < len(posted(box))
            await far.ledger.run(lambda db: limit(db, 1 << 30))
            async with asyncio.timeout(20):
                while not far.connected:
                    await asyncio.sleep(0.05)
            await far.send(box.id, *START)
            await settled(far, box)
            head = far.taken(box.id)
        assert head is not None
        assert kept(home, box.id) == list(range(1, head.upto + 1))


async def test_junk_on_every_topic_neither_ends_a_controller_nor_is_acknowledged(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    junk = [b"", b"{", b"\xff", b"[]", b"null", b'{"v": 1}', b'{"v": 1, "epoch": "\\ud800", "eseq": 1}', b"[" * 9999]
    junk += [
        b'{"v": 1, "epoch": "e", "eseq": 1e300}',
        b'{"v": 1, "cmd": {"st": [], "id": {}}, "epoch": "e", "eseq": -1}',
    ]
    junk += [b'{"v": 1, "state": {}, "sess": "x", "chal": [], "clk": 5, "rev": {}, "m": [], "errors": 7}']
    async with fleet(mosquitto.port, tmp_path, 1) as ((box,), home), Peer(port=mosquitto.port, box=box.id) as peer:
        leaves = ("link", "state", "res", "evt", "desired", "tele/stream")
        async with controller(mosquitto, home, follow=True, leaves=("link", "state", "res", "desired")) as far:
            for leaf in leaves:
                for payload in junk:
                    await peer.say(leaf, payload)
            assert (await far.send(box.id, *START)).st is ResultState.DONE
            await settled(far, box)
            head = far.taken(box.id)
        assert head is not None
        assert kept(home, box.id) == list(range(1, head.upto + 1))
        assert all(ack["epoch"] == head.epoch for ack in peer.bodies("ack"))
