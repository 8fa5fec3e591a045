"""Events and results of every box, each once, in each box's own order.

Functions over the ledger's connection, to be called inside `Ledger.run`. What came out of order waits in
`ahead` until the hole before it is filled or given up; only then it is released to `events`, whose `n` is
the order in which readers see everything. A hole that was given up is an entry of its own there.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

MAX_AHEAD = 10_000
KINDS = ("alarm", "life", "audit", "res")


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message of `evt` or `res` as it came, its place in the box's order read from it."""

    box: str
    epoch: str
    eseq: int
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the record; `n` rises. `gap`: nothing but the note that events are gone for good."""

    n: int
    box: str
    epoch: str
    eseq: int
    gap: bool
    body: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Gap:
    """Numbers `first` to `last` of a box's order that have not come, though later ones have."""

    epoch: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Head:
    """How far a box's order is taken in without a hole: what may be acknowledged. `gap` is the first hole."""

    epoch: str
    upto: int
    gap: Gap | None = None


def take(db: sqlite3.Connection, arrival: Arrival, *, at_ms: int) -> list[Entry]:
    """Keep it if it is new, and release what has become whole by it, in order."""
    released = [] if _is_known(db, arrival) else _begin(db, arrival, at_ms)
    upto = reached(db, arrival.box, arrival.epoch)
    if arrival.eseq <= upto:
        return released + _take_late(db, arrival)
    if arrival.eseq == upto + 1:
        released += [_append(db, arrival), *_release(db, arrival.box, arrival.epoch, arrival.eseq)]
        return released
    _put_ahead(db, arrival)
    if not _is_current(db, arrival):  # a straggler of an epoch that is over: nothing will fill its holes
        released += give_up(db, arrival.box, arrival.epoch, arrival.eseq, reason="of an earlier epoch", at_ms=at_ms)
    return released


def give_up(db: sqlite3.Connection, box: str, epoch: str, upto: int, *, reason: str, at_ms: int) -> list[Entry]:
    """Holes of numbers up to `upto` are gone for good: noted, and what waited behind them released."""
    released: list[Entry] = []
    while (gap := _gap(db, box, epoch)) is not None and gap.first <= upto:
        last = min(gap.last, upto)
        db.execute(
            "INSERT OR REPLACE INTO gaps VALUES (?, ?, ?, ?, ?, ?)", (box, epoch, gap.first, last, at_ms, reason)
        )
        released.append(_append_gap(db, box, Gap(epoch, gap.first, last), reason, at_ms))
        released += _release(db, box, epoch, last)
    return released


def heads(db: sqlite3.Connection) -> dict[str, Head]:
    """Each box's present epoch."""
    rows = db.execute("SELECT box, epoch, upto, MAX(begun) FROM heads GROUP BY box").fetchall()
    return {box: Head(epoch, upto, _gap(db, box, epoch)) for box, epoch, upto, _ in rows}


def head(db: sqlite3.Connection, box: str) -> Head | None:
    row = db.execute("SELECT epoch, upto FROM heads WHERE box = ? ORDER BY begun DESC LIMIT 1", (box,)).fetchone()
    return Head(row[0], row[1], _gap(db, box, row[0])) if row else None


def reached(db: sqlite3.Connection, box: str, epoch: str) -> int:
    """How far an epoch that has been heard of is taken in without a hole."""
    row = db.execute("SELECT upto FROM heads WHERE box = ? AND epoch = ?", (box, epoch)).fetchone()
    return int(row[0])


def read(
    db: sqlite3.Connection,
    *,
    after: int = 0,
    box: str | None = None,
    kinds: tuple[str, ...] = (),
    since_ms: int = 0,
    limit: int = 1000,
    newest: bool = False,
) -> list[Entry]:
    """Entries after `n`, oldest first: the first `limit` of them, or the last with `newest`.

    `since_ms` is the box's own time of the event; notes of gaps have the kind `gap`.
    """
    wanted = ("n > ?", "ts >= ?", *(("box = ?",) if box else ()))
    values: list[object] = [after, since_ms, *((box,) if box else ())]
    if kinds:
        wanted += (f"kind IN ({', '.join('?' * len(kinds))})",)
        values += kinds
    order = "DESC" if newest else "ASC"
    rows = db.execute(
        f"SELECT n, box, epoch, eseq, gap, body FROM events WHERE {' AND '.join(wanted)} ORDER BY n {order} LIMIT ?",  # noqa: S608  texts from above
        (*values, limit),
    ).fetchall()
    entries = [_entry(row) for row in rows]
    return entries[::-1] if newest else entries


def forget(db: sqlite3.Connection, before_ms: int) -> int:
    """Drop entries of an earlier time, by the boxes' clocks; how many they were."""
    return db.execute("DELETE FROM events WHERE ts < ?", (before_ms,)).rowcount


def last_n(db: sqlite3.Connection) -> int:
    """The newest entry's number, 0 when there is none."""
    return int(db.execute("SELECT COALESCE(MAX(n), 0) FROM events").fetchone()[0])


def _begin(db: sqlite3.Connection, arrival: Arrival, at_ms: int) -> list[Entry]:
    """A new epoch: the box's order starts over at 1, and holes of the one before stay holes."""
    before = head(db, arrival.box)
    begun = db.execute("SELECT COALESCE(MAX(begun), 0) + 1 FROM heads WHERE box = ?", (arrival.box,)).fetchone()[0]
    db.execute("INSERT INTO heads VALUES (?, ?, 0, ?)", (arrival.box, arrival.epoch, begun))
    if before is None or before.gap is None:
        return []
    last = db.execute(
        "SELECT MAX(eseq) FROM ahead WHERE box = ? AND epoch = ?", (arrival.box, before.epoch)
    ).fetchone()[0]
    return give_up(db, arrival.box, before.epoch, last, reason="the box began a new epoch", at_ms=at_ms)


def _is_known(db: sqlite3.Connection, arrival: Arrival) -> bool:
    row = db.execute("SELECT 1 FROM heads WHERE box = ? AND epoch = ?", (arrival.box, arrival.epoch)).fetchone()
    return row is not None


def _is_current(db: sqlite3.Connection, arrival: Arrival) -> bool:
    row = db.execute("SELECT epoch FROM heads WHERE box = ? ORDER BY begun DESC LIMIT 1", (arrival.box,)).fetchone()
    return bool(row[0] == arrival.epoch)


def _take_late(db: sqlite3.Connection, arrival: Arrival) -> list[Entry]:
    """What was given up and comes after all is kept after all; anything else is a repeat."""
    given_up = db.execute(
        "SELECT 1 FROM gaps WHERE box = ? AND epoch = ? AND ? BETWEEN first AND last",
        (arrival.box, arrival.epoch, arrival.eseq),
    ).fetchone()
    had = db.execute(
        "SELECT 1 FROM events WHERE box = ? AND epoch = ? AND eseq = ? AND gap = 0",
        (arrival.box, arrival.epoch, arrival.eseq),
    ).fetchone()
    return [_append(db, arrival)] if given_up and not had else []


def _put_ahead(db: sqlite3.Connection, arrival: Arrival) -> None:
    """Unless too much waits already: what is not kept is not acknowledged, and comes again."""
    if db.execute("SELECT COUNT(*) FROM ahead WHERE box = ?", (arrival.box,)).fetchone()[0] < MAX_AHEAD:
        values = (arrival.box, arrival.epoch, arrival.eseq, arrival.body)
        db.execute("INSERT OR IGNORE INTO ahead VALUES (?, ?, ?, ?)", values)


def _release(db: sqlite3.Connection, box: str, epoch: str, upto: int) -> list[Entry]:
    """Everything up to `upto` is settled: what follows it without a hole goes from `ahead` to `events`."""
    released = []
    for eseq, body in _following(db, box, epoch, upto):
        released.append(_append(db, Arrival(box, epoch, eseq, body)))
        upto = eseq
    db.execute("DELETE FROM ahead WHERE box = ? AND epoch = ? AND eseq <= ?", (box, epoch, upto))
    db.execute("UPDATE heads SET upto = ? WHERE box = ? AND epoch = ?", (upto, box, epoch))
    return released


def _following(db: sqlite3.Connection, box: str, epoch: str, upto: int) -> Iterator[tuple[int, bytes]]:
    rows = db.execute(
        "SELECT eseq, body FROM ahead WHERE box = ? AND epoch = ? AND eseq > ? ORDER BY eseq", (box, epoch, upto)
    ).fetchall()
    for eseq, body in rows:
        if eseq != upto + 1:
            return
        yield eseq, body
        upto = eseq


def _gap(db: sqlite3.Connection, box: str, epoch: str) -> Gap | None:
    row = db.execute(
        "SELECT h.upto, (SELECT MIN(a.eseq) FROM ahead a WHERE a.box = h.box AND a.epoch = h.epoch)"
        " FROM heads h WHERE h.box = ? AND h.epoch = ?",
        (box, epoch),
    ).fetchone()
    return Gap(epoch, row[0] + 1, row[1] - 1) if row and row[1] is not None else None


def _append(db: sqlite3.Connection, arrival: Arrival) -> Entry:
    body = json.loads(arrival.body)
    kind, ts = body.get("kind"), body.get("ts")
    n = db.execute(
        "INSERT INTO events (box, epoch, eseq, gap, kind, ts, body) VALUES (?, ?, ?, 0, ?, ?, ?)",
        (
            *(arrival.box, arrival.epoch, arrival.eseq),
            *(kind if kind in KINDS else "", ts if _is_whole(ts) else 0, arrival.body),
        ),
    ).lastrowid
    return Entry(n or 0, arrival.box, arrival.epoch, arrival.eseq, False, body)


def _append_gap(db: sqlite3.Connection, box: str, gap: Gap, reason: str, at_ms: int) -> Entry:
    body = {
        "v": 1,
        "epoch": gap.epoch,
        "kind": "gap",
        "sev": 2,
        "code": "events.lost",
        "ts": at_ms,
        "data": {"first": gap.first, "last": gap.last, "reason": reason},
    }
    n = db.execute(
        "INSERT OR REPLACE INTO events (box, epoch, eseq, gap, kind, ts, body) VALUES (?, ?, ?, 1, 'gap', ?, ?)",
        (box, gap.epoch, gap.first, at_ms, json.dumps(body).encode()),
    ).lastrowid
    return Entry(n or 0, box, gap.epoch, gap.first, True, body)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 62


def _entry(row: tuple[Any, ...]) -> Entry:
    n, box, epoch, eseq, gap, body = row
    return Entry(n, box, epoch, eseq, bool(gap), json.loads(body))
