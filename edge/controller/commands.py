"""Commands that must be repeatable after a crash: their very bytes, and the one final result of each.

Functions over the ledger's connection, to be called inside `Ledger.run`.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from edge.model.command import Result, ResultState
from edge.model.errors import Invalid

KEEP_MS = 30 * 86_400_000


@dataclass(frozen=True, slots=True)
class Written:
    """A signed command as it goes over the wire. `exp_ms`: UTC milliseconds until when it is good."""

    id: str
    envelope: bytes = field(repr=False)
    exp_ms: int
    chal: str | None


@dataclass(frozen=True, slots=True)
class Known:
    """A command sent before; `result` once there was a final one."""

    written: Written
    result: Result | None


def find(db: sqlite3.Connection, id: str, *, box: str, op: str, args: Mapping[str, Any]) -> Known | None:
    """Raises Invalid `id_reused` when that id was another command."""
    row = db.execute(
        "SELECT box, op, args, envelope, exp_ms, chal, result FROM commands WHERE id = ?", (id,)
    ).fetchone()
    if row is None:
        return None
    if (row[0], row[1], json.loads(row[2])) != (box, op, json.loads(json.dumps(args))):
        raise Invalid(f"the id {id} is that of another command: {row[1]} to {row[0]}", code="id_reused")
    return Known(Written(id, row[3], row[4], row[5]), _revive(id, row[6]))


def keep(db: sqlite3.Connection, written: Written, *, box: str, op: str, args: Mapping[str, Any]) -> None:
    """Before the first byte of it leaves, and again whenever it was signed anew."""
    db.execute(
        "INSERT INTO commands VALUES (?, ?, ?, ?, ?, ?, ?, NULL) ON CONFLICT (id) DO UPDATE"
        " SET envelope = excluded.envelope, exp_ms = excluded.exp_ms, chal = excluded.chal",
        (written.id, box, op, json.dumps(args), written.envelope, written.exp_ms, written.chal),
    )


def finish(db: sqlite3.Connection, result: Result) -> Result:
    """The final result of that id: this one, or the one that was there first."""
    text = json.dumps([result.st, result.code, result.detail, result.payload])
    db.execute("UPDATE commands SET result = ? WHERE id = ? AND result IS NULL", (text, result.id))
    row = db.execute("SELECT result FROM commands WHERE id = ?", (result.id,)).fetchone()
    return (row and _revive(result.id, row[0])) or result


def unfinished(db: sqlite3.Connection) -> list[tuple[str, str, str, Mapping[str, Any]]]:
    """(id, box, op, args) of every command without a final result, oldest first where ids are UUIDv7."""
    rows = db.execute("SELECT id, box, op, args FROM commands WHERE result IS NULL ORDER BY id").fetchall()
    return [(name, box, op, json.loads(args)) for name, box, op, args in rows]


def _revive(id: str, text: str | None) -> Result | None:
    if text is None:
        return None
    st, code, detail, payload = json.loads(text)
    return Result(id, ResultState(st), code, detail, payload)


def prune(db: sqlite3.Connection, *, now_ms: int) -> None:
    """Forget what was over more than 30 days ago: no box remembers it either."""
    db.execute("DELETE FROM commands WHERE result IS NOT NULL AND exp_ms < ?", (now_ms - KEEP_MS,))
