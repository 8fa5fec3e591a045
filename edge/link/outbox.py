"""Results and events on their way to the controller: one durable, gapless order.

`Outbox` belongs to the event loop; `append` is called inside `Store.run`, so that a result and
its place in the order become durable together.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from edge.link import store as numbers
from edge.link.store import Store

CAP_BYTES = 256 << 20
KEEP_ACKED = 1000
MAX_DATA_BYTES = 128 << 10
_EXEMPT = ("audit", "res")
_TRIM_ABOVE_SEV = 2


@dataclass(frozen=True, slots=True)
class Letter:
    """What is to be told. `head` holds the fields that the outbox does not number itself."""

    leaf: str
    kind: str
    code: str
    sev: int
    head: Mapping[str, Any]
    subject: str = ""
    state: str | None = None


@dataclass(frozen=True, slots=True)
class Posted:
    """A letter with its number, as bytes for the wire. `leaf` is `evt` or `res`."""

    eseq: int
    leaf: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Extent:
    """The order so far: `last` was given out, `acked` is what the controller has, `waiting` those after it."""

    epoch: str
    last: int
    acked: int
    waiting: int


def append(db: sqlite3.Connection, letter: Letter) -> int:
    """Give the letter the next `eseq`; it is part of the order once the transaction commits."""
    eseq = numbers.next_number(db, "eseq")
    body = json.dumps({"v": 1, "epoch": numbers.epoch(db), "eseq": eseq, **letter.head}, default=str).encode()
    db.execute(
        "INSERT INTO outbox (eseq, leaf, kind, code, subject, state, sev, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (eseq, letter.leaf, letter.kind, letter.code, letter.subject, letter.state, letter.sev, body),
    )
    numbers.next_number(db, "outbox_bytes", step=len(body))
    return eseq


class Outbox:
    """Reading and acknowledging the order; wakes whoever sends."""

    def __init__(self, store: Store, *, cap_bytes: int = CAP_BYTES) -> None:
        self._store = store
        self._cap_bytes = cap_bytes
        self._news = asyncio.Event()

    @property
    def changes(self) -> int:
        """Rises whenever something was written: while it stays, `extent` and the need to `trim` do."""
        return self._store.changes

    def wake(self) -> None:
        """There may be something new to send."""
        self._news.set()

    async def news(self) -> None:
        """Wait for `wake`; one that came since the last return counts."""
        await self._news.wait()
        self._news.clear()

    async def after(self, eseq: int, *, limit: int) -> list[Posted]:
        """The next letters in order, those the broker would not take left out."""
        rows = await self._store.run(
            lambda db: db.execute(
                "SELECT eseq, leaf, body FROM outbox WHERE eseq > ? AND NOT dead ORDER BY eseq LIMIT ?", (eseq, limit)
            ).fetchall()
        )
        return [Posted(*row) for row in rows]

    async def extent(self) -> Extent:
        return await self._store.run(_extent)

    async def acknowledge(self, epoch: str, eseq: int) -> bool:
        """The controller has everything up to `eseq`. False for another epoch or a number never given out."""
        return await self._store.run(lambda db: _acknowledge(db, epoch, eseq))

    async def bury(self, eseq: int) -> None:
        """The broker will not take this one: keep it, pass it over."""
        await self._store.run(lambda db: db.execute("UPDATE outbox SET dead = 1 WHERE eseq = ?", (eseq,)))

    async def trim(self, marker: Letter) -> int:
        """Hold the cap: repeated alarms go first, then what is acknowledged, then severity below 2.

        Audit and results never. `marker` is appended when unacknowledged letters went; returns how many.
        """
        return await self._store.run(lambda db: _trim(db, self._cap_bytes, marker))


def _extent(db: sqlite3.Connection) -> Extent:
    acked = numbers.number(db, "acked")
    waiting = db.execute("SELECT COUNT(*) FROM outbox WHERE eseq > ?", (acked,)).fetchone()[0]
    return Extent(numbers.epoch(db), numbers.number(db, "eseq"), acked, waiting)


def _acknowledge(db: sqlite3.Connection, epoch: str, eseq: int) -> bool:
    if epoch != numbers.epoch(db) or not 0 <= eseq <= numbers.number(db, "eseq"):
        return False
    if eseq > numbers.number(db, "acked"):
        numbers.set_number(db, "acked", eseq)
        _delete(db, "eseq <= ?", (eseq - KEEP_ACKED,))
    return True


def _trim(db: sqlite3.Connection, cap_bytes: int, marker: Letter) -> int:
    if numbers.number(db, "outbox_bytes") <= cap_bytes:
        return 0
    acked = numbers.number(db, "acked")
    newest = "SELECT MAX(eseq) FROM outbox WHERE kind = 'alarm' GROUP BY code, subject"
    gone = _delete(db, f"kind = 'alarm' AND eseq > ? AND eseq NOT IN ({newest})", (acked,))
    if numbers.number(db, "outbox_bytes") > cap_bytes:
        _delete(db, "eseq <= ?", (acked,))
    if numbers.number(db, "outbox_bytes") > cap_bytes:
        gone += _delete(db, "sev < ? AND kind NOT IN (?, ?)", (_TRIM_ABOVE_SEV, *_EXEMPT))
    if gone:
        _mark(db, marker, gone, acked)
    return len(gone)


def _mark(db: sqlite3.Connection, marker: Letter, gone: list[int], acked: int) -> None:
    """One marker, with what an older one said that the controller has not had: thousands would fill the box as well."""
    older = db.execute("SELECT eseq, body FROM outbox WHERE code = ? AND eseq > ?", (marker.code, acked)).fetchall()
    said = [json.loads(body)["data"] for _, body in older]
    _delete(db, "code = ? AND eseq > ?", (marker.code, acked))
    facts = {
        "dropped": len(gone) + sum(one["dropped"] for one in said),
        "from": min(gone + [one["from"] for one in said]),
        "to": max(gone + [eseq for eseq, _ in older]),
    }
    append(db, replace(marker, head={**marker.head, "data": facts}))


def _delete(db: sqlite3.Connection, where: str, values: tuple[object, ...]) -> list[int]:
    """Their numbers. `where` is always one of the texts above, never from outside."""
    gone = db.execute(f"DELETE FROM outbox WHERE {where} RETURNING eseq, LENGTH(body)", values).fetchall()  # noqa: S608
    numbers.next_number(db, "outbox_bytes", step=-sum(size for _, size in gone))
    return [eseq for eseq, _ in gone]
