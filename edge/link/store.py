"""The link's memory: one SQLite file (WAL, synchronous FULL), touched by one thread at a time."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from edge.link.workers import Workers
from edge.model.errors import Unavailable

_LOG = logging.getLogger(__name__)
_T = TypeVar("_T")
_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS journal (
    n INTEGER PRIMARY KEY, id TEXT UNIQUE NOT NULL, kid TEXT NOT NULL, lane TEXT NOT NULL, op TEXT NOT NULL,
    at_ms INTEGER NOT NULL, result TEXT);
CREATE TABLE IF NOT EXISTS counters (
    kid TEXT, lane TEXT, ctr INTEGER NOT NULL, PRIMARY KEY (kid, lane)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS outbox (
    eseq INTEGER PRIMARY KEY, leaf TEXT NOT NULL, kind TEXT NOT NULL, code TEXT NOT NULL, subject TEXT NOT NULL,
    state TEXT, sev INTEGER NOT NULL, body BLOB NOT NULL, dead INTEGER NOT NULL DEFAULT 0);
"""
_RAISE = """
INSERT INTO meta VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = value + excluded.value RETURNING value
"""


class Store:
    """`run` hands a function the connection, in another thread, inside one durable transaction, one after another.

    Many stores of one process share `workers`; a store alone has a thread of its own. `changes` rises whenever a
    row was written.

    A file that is no database is put aside and a new one begun: then the outbox has a new epoch.
    Raises Unavailable `link_store` when the disk refuses.
    """

    def __init__(self, path: Path, *, workers: Workers | None = None) -> None:
        self._path = path
        self._shares = workers is not None
        self._workers = workers or Workers(threads=1)
        self._jobs = self._workers.queue()
        self._db: sqlite3.Connection | None = None
        self.changes = 0

    async def open(self) -> None:
        await self._in_worker(self._open)

    async def close(self) -> None:
        await asyncio.shield(self._in_worker(self._close))
        if not self._shares:
            self._workers.close()

    async def run(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        """What `work` returns, once it is on disk; nothing of it is when it raises."""
        return await self._in_worker(lambda: self._transaction(work))

    async def _in_worker(self, work: Callable[[], _T]) -> _T:
        try:
            return await asyncio.wrap_future(self._jobs.submit(work))
        except (sqlite3.Error, OSError) as error:
            raise Unavailable(f"cannot use {self._path}: {error}", code="link_store") from error

    def _transaction(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        if self._db is None:
            raise sqlite3.ProgrammingError("not open")
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            done = work(self._db)
        self.changes = self._db.total_changes
        return done

    def _open(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._db = _connect(self._path)
        except sqlite3.OperationalError:  # the disk's fault, not the file's: nothing to put aside
            raise
        except sqlite3.DatabaseError as error:
            aside = self._path.with_suffix(".broken")
            _LOG.error("%s is damaged (%s): put aside as %s, a new one begins", self._path, error, aside.name)
            self._path.replace(aside)
            for tail in ("-wal", "-shm"):
                self._path.with_name(self._path.name + tail).unlink(missing_ok=True)
            self._db = _connect(self._path)

    def _close(self) -> None:
        if self._db is not None:
            self._db.close()
            self._db = None


def next_number(db: sqlite3.Connection, name: str, *, step: int = 1) -> int:
    """The named counter raised by `step`; it starts at 0."""
    row = db.execute(_RAISE, (name, step)).fetchone()
    return int(row[0])


def number(db: sqlite3.Connection, name: str) -> int:
    """The named counter, 0 when it was never raised."""
    row = db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
    return int(row[0]) if row else 0


def set_number(db: sqlite3.Connection, name: str, value: int) -> None:
    db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))


def epoch(db: sqlite3.Connection) -> str:
    """The outbox's epoch: new only with a new store."""
    return str(db.execute("SELECT value FROM meta WHERE name = 'epoch'").fetchone()[0])


def _connect(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.executescript(_SCHEMA)
        db.execute("INSERT OR IGNORE INTO meta VALUES ('epoch', ?)", (str(uuid.uuid4()),))
    except sqlite3.Error:
        db.close()
        raise
    path.chmod(0o600)
    return db
