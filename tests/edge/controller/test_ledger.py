from __future__ import annotations

import asyncio
import sqlite3
import stat
from pathlib import Path

import pytest

from edge.controller.ledger import Ledger
from edge.model.errors import Fault, Invalid, Unavailable


def add(db: sqlite3.Connection, name: str) -> str:
    db.execute("INSERT INTO rollouts VALUES (?, '{}')", (name,))
    return name


def names(db: sqlite3.Connection) -> list[str]:
    return [row[0] for row in db.execute("SELECT id FROM rollouts ORDER BY id")]


async def test_what_was_run_is_there_after_opening_again(tmp_path: Path) -> None:
    for name in ("a", "b"):
        ledger = Ledger(tmp_path / "home" / "ledger.sqlite")
        await ledger.open()
        assert await ledger.run(lambda db, name=name: add(db, name)) == name  # type: ignore[misc]
        await ledger.close()
    assert stat.S_IMODE(ledger.path.stat().st_mode) == 0o600
    with sqlite3.connect(ledger.path) as db:
        assert names(db) == ["a", "b"]
        assert db.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    db.close()


async def test_of_works_done_together_only_the_one_that_raises_is_undone(ledger: Ledger) -> None:
    def refuse(db: sqlite3.Connection) -> None:
        add(db, "undone")
        raise Invalid("no")

    works = (
        ledger.run(lambda db: add(db, "a")),
        ledger.run(refuse),
        ledger.run(lambda db: add(db, "b")),
    )
    first, refused, last = await asyncio.gather(*works, return_exceptions=True)
    assert (first, last) == ("a", "b")
    assert isinstance(refused, Invalid)
    assert await ledger.run(names) == ["a", "b"]


async def test_works_that_wait_share_one_transaction(ledger: Ledger) -> None:
    began = asyncio.Event()
    loop = asyncio.get_running_loop()
    commits: list[str] = []

    def watch(db: sqlite3.Connection) -> None:
        db.set_trace_callback(lambda text: commits.append(text) if text.startswith("COMMIT") else None)
        loop.call_soon_threadsafe(began.set)

    await ledger.run(watch)
    await began.wait()
    commits.clear()
    await asyncio.gather(*(ledger.run(lambda db, n=n: add(db, f"{n:02}")) for n in range(50)))  # type: ignore[misc]
    assert await ledger.run(names) == [f"{n:02}" for n in range(50)]
    assert len(commits) < 50


async def test_two_processes_may_use_one_file(ledger: Ledger) -> None:
    other = Ledger(ledger.path)
    await other.open()
    await asyncio.gather(ledger.run(lambda db: add(db, "a")), other.run(lambda db: add(db, "b")))
    assert await other.run(names) == ["a", "b"]
    await other.close()


async def test_a_file_that_is_no_database_is_a_fault_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    path.write_bytes(b"this was something else" * 50)
    ledger = Ledger(path)
    with pytest.raises(Fault, match=r"ledger\.sqlite is damaged") as caught:
        await ledger.open()
    assert caught.value.code == "home_broken"
    assert path.read_bytes().startswith(b"this was")
    await ledger.close()


async def test_a_disk_that_refuses_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    ledger = Ledger(tmp_path / "file" / "ledger.sqlite")
    with pytest.raises(Unavailable) as caught:
        await ledger.open()
    assert caught.value.code == "controller_home"
    await ledger.close()
    with pytest.raises(RuntimeError):
        await ledger.run(names)
