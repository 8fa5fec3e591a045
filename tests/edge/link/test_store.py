import sqlite3
from pathlib import Path

import pytest

from edge.link import store as numbers
from edge.link.store import Store
from edge.model.errors import Unavailable


async def test_the_file_is_wal_and_fully_synchronous(store: Store) -> None:
    pragmas = await store.run(
        lambda db: [db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")]
    )
    assert pragmas == ["wal", 2]


async def test_a_failed_transaction_leaves_nothing(store: Store) -> None:
    def work(db: sqlite3.Connection) -> None:
        numbers.next_number(db, "n")
        raise KeyError("no")

    with pytest.raises(KeyError):
        await store.run(work)
    assert await store.run(lambda db: numbers.number(db, "n")) == 0


async def test_numbers_and_epoch_survive_a_restart(tmp_path: Path) -> None:
    found = []
    for _ in range(2):
        store = Store(tmp_path / "link.sqlite")
        await store.open()
        await store.run(lambda db: numbers.next_number(db, "n", step=5))
        found.append(await store.run(lambda db: (numbers.number(db, "n"), numbers.epoch(db))))
        await store.close()
    assert [n for n, _ in found] == [5, 10]
    assert found[0][1] == found[1][1]


async def test_a_damaged_file_is_put_aside_and_begins_a_new_epoch(tmp_path: Path) -> None:
    path = tmp_path / "link.sqlite"
    path.write_bytes(b"this is no database, only words" * 100)
    store = Store(path)
    await store.open()
    assert await store.run(numbers.epoch)
    assert (tmp_path / "link.broken").exists()
    await store.close()


async def test_a_disk_that_refuses_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    store = Store(tmp_path / "file" / "link.sqlite")
    with pytest.raises(Unavailable, match="cannot use") as caught:
        await store.open()
    assert caught.value.code == "link_store"
    await store.close()
