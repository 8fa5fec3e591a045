"""What a controller must not forget, in one SQLite file: WAL, synchronous FULL, many processes at once."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self, TypeVar

from edge.model.errors import Fault, Unavailable

_T = TypeVar("_T")
_BUSY_S = 30.0
SCHEMA = """
CREATE TABLE IF NOT EXISTS events (
    n INTEGER PRIMARY KEY AUTOINCREMENT, box TEXT NOT NULL, epoch TEXT NOT NULL, eseq INTEGER NOT NULL,
    gap INTEGER NOT NULL, kind TEXT NOT NULL, ts INTEGER NOT NULL, body BLOB NOT NULL,
    UNIQUE (box, epoch, eseq, gap));
CREATE TABLE IF NOT EXISTS gaps (
    box TEXT NOT NULL, epoch TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, at_ms INTEGER NOT NULL,
    reason TEXT NOT NULL, PRIMARY KEY (box, epoch, first)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS ahead (
    box TEXT NOT NULL, epoch TEXT NOT NULL, eseq INTEGER NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (box, epoch, eseq)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS heads (
    box TEXT NOT NULL, epoch TEXT NOT NULL, upto INTEGER NOT NULL, begun INTEGER NOT NULL,
    PRIMARY KEY (box, epoch)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS commands (
    id TEXT PRIMARY KEY, box TEXT NOT NULL, op TEXT NOT NULL, args TEXT NOT NULL, envelope BLOB NOT NULL,
    exp_ms INTEGER NOT NULL, chal TEXT, result TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS desired (
    box TEXT NOT NULL, rev INTEGER NOT NULL, payload BLOB NOT NULL, at_ms INTEGER NOT NULL, why TEXT NOT NULL,
    PRIMARY KEY (box, rev)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS rollouts (id TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
"""


class Ledger:
    """`run` hands a function the connection, in the ledger's thread, inside a durable transaction.

    What waits when the disk is free goes to it together. Raises Unavailable `controller_home`
    when the disk refuses, Fault `home_broken` when the file is none of ours.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="ledger")
        self._db: sqlite3.Connection | None = None
        self._due: deque[tuple[Callable[[sqlite3.Connection], Any], Future[Any]]] = deque()
        self._lock = threading.Lock()

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()

    async def open(self) -> None:
        await asyncio.wrap_future(self._worker.submit(self._open))

    async def close(self) -> None:
        await asyncio.shield(asyncio.wrap_future(self._worker.submit(self._close)))
        self._worker.shutdown(wait=False)

    async def run(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        """What `work` returns, once it is on disk; nothing of it is when it raises."""
        done: Future[_T] = Future()
        with self._lock:
            self._due.append((work, done))
        self._worker.submit(self._work_off)
        return await asyncio.wrap_future(done)

    def _work_off(self) -> None:
        with self._lock:
            batch = list(self._due)
            self._due.clear()
        batch = [one for one in batch if one[1].set_running_or_notify_cancel()]
        if not batch:
            return
        try:
            answers = self._transaction([work for work, _ in batch])
        except (sqlite3.Error, OSError) as error:
            answers = [_refusal(self.path, error)] * len(batch)
        for (_, done), answer in zip(batch, answers, strict=True):
            if isinstance(answer, BaseException):
                done.set_exception(answer)
            else:
                done.set_result(answer)

    def _transaction(self, works: list[Callable[[sqlite3.Connection], Any]]) -> list[Any]:
        if self._db is None:
            raise sqlite3.ProgrammingError("not open")
        answers = []
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            for work in works:
                answers.append(_one(self._db, work))
        return answers

    def _open(self) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._db = _connect(self.path)
        except (sqlite3.Error, OSError) as error:
            raise _refusal(self.path, error) from error

    def _close(self) -> None:
        if self._db is not None:
            self._db.close()
            self._db = None


def _one(db: sqlite3.Connection, work: Callable[[sqlite3.Connection], Any]) -> Any:
    """Its answer, or the error that undid it alone."""
    db.execute("SAVEPOINT one")
    try:
        answer = work(db)
    except sqlite3.Error:
        raise
    except Exception as error:
        db.execute("ROLLBACK TO one")
        answer = error
    db.execute("RELEASE one")
    return answer


def _connect(path: Path) -> sqlite3.Connection:
    path.touch(mode=0o600)
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=_BUSY_S)
    try:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.executescript(SCHEMA)
    except sqlite3.Error:
        db.close()
        raise
    return db


def _refusal(path: Path, error: Exception) -> Unavailable | Fault:
    broken = isinstance(error, sqlite3.DatabaseError) and not isinstance(
        error, sqlite3.OperationalError | sqlite3.ProgrammingError
    )
    if broken:
        return Fault(f"{path} is damaged: {error}", code="home_broken")
    return Unavailable(f"cannot use {path}: {error}", code="controller_home")
