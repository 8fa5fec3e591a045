from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from edge.controller import events
from edge.controller import inflow as inflows
from edge.controller.events import Arrival, Entry, Head
from edge.controller.inflow import Inflow, arrival
from edge.controller.ledger import Ledger
from edge.model.command import Result, ResultState
from edge.model.errors import PeerGone, Unavailable
from tests.box_events import BOX, event


class Far:
    """The box and the broker as the inflow sees them."""

    def __init__(self, ledger: Ledger) -> None:
        self.told: list[int] = []
        self.acks: list[tuple[str, dict[str, Any]]] = []
        self.asked: list[int] = []
        self.connected = True
        self.inflow = Inflow(
            ledger=ledger, tell=self.tell, ask=self.ask, acknowledge=self.acknowledge, online=lambda box: True
        )

    def tell(self, entry: Entry) -> None:
        self.told.append(-entry.eseq if entry.gap else entry.eseq)

    async def ask(self, box: str, start: int) -> Result:
        self.asked.append(start)
        if not self.connected:
            raise PeerGone("away")
        return Result("id", ResultState.DONE, payload={"epoch": "e", "from": start, "last": 100})

    async def acknowledge(self, box: str, body: bytes) -> None:
        if not self.connected:
            raise PeerGone("away")
        self.acks.append((box, json.loads(body)))

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        await self.inflow.open()
        task = asyncio.ensure_future(self.inflow.run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait((task,))

    async def until_acked(self, eseq: int) -> None:
        async with asyncio.timeout(10):
            while not self.acks or self.acks[-1][1]["eseq"] != eseq:
                await asyncio.sleep(0.005)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inflows, "_LOOK_S", 0.005)
    monkeypatch.setattr(inflows, "_ACK_EVERY_S", 0.005)
    monkeypatch.setattr("edge.controller.follow.SETTLE_S", 0.0)
    monkeypatch.setattr("edge.controller.follow.QUIET_S", 0.02)


async def test_what_is_told_and_acknowledged_is_on_disk_already(ledger: Ledger) -> None:
    far = Far(ledger)
    async with far.running():
        await far.inflow.take([event(1), event(2)])
        assert far.told == [1, 2]
        await far.until_acked(2)
        assert far.acks[-1] == (BOX, {"epoch": "e", "eseq": 2})
        assert await ledger.run(lambda db: events.head(db, BOX)) == far.inflow.head(BOX) == Head("e", 2)


async def test_nothing_is_told_or_acknowledged_when_the_disk_refuses(ledger: Ledger) -> None:
    far = Far(ledger)
    async with far.running():
        await ledger.run(lambda db: db.execute("DROP TABLE ahead"))
        with pytest.raises(Unavailable):
            await far.inflow.take([event(1)])
    assert (far.told, far.acks, far.inflow.head(BOX)) == ([], [], None)


async def test_a_hole_holds_the_acknowledgement_and_is_given_up_with_a_note(ledger: Ledger) -> None:
    far = Far(ledger)
    async with far.running():
        await far.inflow.take([event(1), event(4)])
        await far.until_acked(4)
    assert far.asked == [2]
    assert far.told == [1, -2, 4]
    assert {ack["eseq"] for _, ack in far.acks} <= {1, 4}


async def test_a_hole_that_is_filled_leaves_no_note(ledger: Ledger) -> None:
    far = Far(ledger)
    async with far.running():
        await far.inflow.take([event(1), event(3)])
        await far.inflow.take([event(2), event(3)])
        await far.until_acked(3)
    assert far.told == [1, 2, 3]


async def test_a_repeat_is_acknowledged_again_but_not_told(ledger: Ledger) -> None:
    far = Far(ledger)
    async with far.running():
        await far.inflow.take([event(1)])
        await far.until_acked(1)
        far.acks.clear()
        await far.inflow.take([event(1)])
        await far.until_acked(1)
    assert far.told == [1]


async def test_what_could_not_be_acknowledged_is_acknowledged_later(ledger: Ledger) -> None:
    far = Far(ledger)
    far.connected = False
    async with far.running():
        await far.inflow.take([event(1)])
        far.connected = True
        await far.until_acked(1)


async def test_a_restart_goes_on_where_the_disk_says_with_the_hole_it_left(ledger: Ledger) -> None:
    first = Far(ledger)
    await first.inflow.open()
    await first.inflow.take([event(1), event(3)])
    second = Far(ledger)
    async with second.running():
        await second.until_acked(3)
    assert second.acks[0][1] == {"epoch": "e", "eseq": 1}
    assert second.told == [-2, 3]
    assert second.asked == [2]


async def test_two_with_one_ledger_keep_each_event_once(ledger: Ledger) -> None:
    one, other = Far(ledger), Far(ledger)
    await asyncio.gather(*(far.inflow.take([event(n)]) for n in (1, 2, 3) for far in (one, other)))
    assert sorted(one.told + other.told) == [1, 2, 3]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"epoch": "e"},
        {"epoch": 5, "eseq": 1},
        {"epoch": "e", "eseq": True},
        {"epoch": "e", "eseq": 0},
        {"epoch": "e", "eseq": 1 << 53},
        {"epoch": "", "eseq": 1},
        {"epoch": "x" * 65, "eseq": 1},
        {"epoch": "\ud800", "eseq": 1},
    ],
)
def test_what_does_not_say_its_place_is_not_kept(body: dict[str, Any]) -> None:
    assert arrival(BOX, body, b"{}") is None
    assert arrival(BOX, {"epoch": "e", "eseq": 1}, b"{}") == Arrival(BOX, "e", 1, b"{}")
