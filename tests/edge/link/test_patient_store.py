import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from edge.link import store as numbers
from edge.link.patient_store import PatientStore
from edge.link.store import Store
from edge.model.errors import Unavailable


class Rig:
    """A store whose file may not grow, as SQLite says it of a full disk, until `waits` seconds have been slept."""

    def __init__(self, path: Path) -> None:
        self.told: list[str] = []
        self.slept: list[float] = []
        self.waits = 3
        self.store = PatientStore(path, on_trouble=self._tell, sleep=self._sleep)

    def _tell(self, error: Unavailable | None) -> None:
        self.told.append(error.code if error else "over")

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(0.001)
        if len(self.slept) == self.waits:
            await Store.run(self.store, lambda db: db.execute("PRAGMA max_page_count = 1000000").fetchone())

    async def fill(self) -> None:
        await Store.run(self.store, lambda db: db.execute("PRAGMA max_page_count = 1").fetchone())


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    rig = Rig(tmp_path / "link.sqlite")
    await rig.store.open()
    yield rig
    await rig.store.close()


def _large(db: sqlite3.Connection) -> int:
    db.execute("INSERT OR REPLACE INTO meta VALUES ('large', ?)", ("x" * 100_000,))
    return numbers.next_number(db, "n")


async def test_with_room_it_is_a_store(rig: Rig) -> None:
    assert await rig.store.run(_large) == 1
    assert (rig.told, rig.slept) == ([], [])


async def test_a_full_disk_is_waited_for_told_and_then_everything_happens_once(rig: Rig) -> None:
    await rig.fill()
    assert await rig.store.run(_large) == 1
    assert (rig.slept, rig.told) == ([1.0, 1.0, 1.0], ["link_store", "link_store", "link_store", "over"])
    assert await rig.store.run(lambda db: numbers.number(db, "n")) == 1
    assert rig.told.count("over") == 1


async def test_reading_goes_on_while_the_disk_is_full(rig: Rig) -> None:
    await rig.fill()
    assert await rig.store.run(lambda db: numbers.number(db, "n")) == 0
    assert rig.told == []


async def test_the_trouble_is_over_only_when_nothing_waits_any_more(rig: Rig) -> None:
    await rig.fill()
    large = asyncio.ensure_future(rig.store.run(_large))
    while not rig.slept:
        await asyncio.sleep(0)
    await rig.store.run(lambda db: numbers.next_number(db, "small"))
    assert "over" not in rig.told
    await large
    assert (rig.told[-1], rig.told.count("over")) == ("over", 1)


async def test_whoever_gives_up_waiting_is_not_waited_for(rig: Rig) -> None:
    await rig.fill()
    rig.waits = 10**9
    waiting = asyncio.ensure_future(rig.store.run(_large))
    while not rig.slept:
        await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert rig.told[-1] == "over"


async def test_an_error_that_room_does_not_mend_is_raised(rig: Rig) -> None:
    with pytest.raises(Unavailable, match="no such table"):
        await rig.store.run(lambda db: db.execute("SELECT * FROM absent"))
    assert rig.told == []
