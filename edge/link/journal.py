"""Which commands were accepted and how they ended: the guard against a second run.

Functions over the store's connection, to be called inside `Store.run`.
"""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass

from edge.link.envelope import Order
from edge.model.command import Lane, Result, ResultState

KEEP_IDS = 4096
KEEP_MS = 7 * 86_400_000


@dataclass(frozen=True, slots=True)
class Known:
    """A command that was accepted before. `result` is None while it waits or runs."""

    id: str
    op: str
    result: Result | None


def find(db: sqlite3.Connection, id: str) -> Known | None:
    row = db.execute("SELECT id, op, result FROM journal WHERE id = ?", (id,)).fetchone()
    return Known(row[0], row[1], _revive(row[0], row[2])) if row else None


def last_ctr(db: sqlite3.Connection, kid: str, lane: Lane) -> int | None:
    row = db.execute("SELECT ctr FROM counters WHERE kid = ? AND lane = ?", (kid, lane)).fetchone()
    return int(row[0]) if row else None


def accept(db: sqlite3.Connection, order: Order, *, kid: str, lane: Lane, at_ms: int) -> None:
    db.execute("INSERT OR REPLACE INTO counters VALUES (?, ?, ?)", (kid, lane, order.ctr))
    db.execute(
        "INSERT INTO journal (id, kid, lane, op, at_ms) VALUES (?, ?, ?, ?, ?)",
        (order.id, kid, lane, order.op, at_ms),
    )


def finish(db: sqlite3.Connection, result: Result) -> None:
    text = json.dumps(
        {"st": result.st, "code": result.code, "detail": result.detail, "payload": result.payload}, default=str
    )
    db.execute("UPDATE journal SET result = ? WHERE id = ?", (text, result.id))


def interrupt_unfinished(db: sqlite3.Connection) -> list[tuple[str, Result]]:
    """(op, result) of what was accepted by a process that is no more; each is now `interrupted` for good."""
    rows = db.execute("SELECT id, op FROM journal WHERE result IS NULL ORDER BY n").fetchall()
    ended = [
        (op, Result(name, ResultState.INTERRUPTED, "interrupted", "the box restarted before it was done"))
        for name, op in rows
    ]
    for _, result in ended:
        finish(db, result)
    return ended


def prune(db: sqlite3.Connection, *, now_ms: int) -> None:
    """Forget what is both older than 7 days and beyond the newest 4096."""
    db.execute(
        "DELETE FROM journal WHERE at_ms < ? AND result IS NOT NULL AND n <= (SELECT MAX(n) FROM journal) - ?",
        (now_ms - KEEP_MS, KEEP_IDS),
    )


def _revive(id: str, text: str | None) -> Result | None:
    if text is None:
        return None
    body = json.loads(text)
    return Result(id, ResultState(body["st"]), body["code"], body["detail"], body["payload"])
