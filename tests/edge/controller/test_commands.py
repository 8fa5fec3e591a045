from __future__ import annotations

import sqlite3

import pytest

from edge.controller import commands
from edge.controller.commands import Known, Written
from edge.model.command import Result, ResultState
from edge.model.errors import Invalid

FIRST = Written("id-1", b"envelope", 1000, None)


def keep(db: sqlite3.Connection, written: Written = FIRST) -> None:
    commands.keep(db, written, box="box-a", op="a.b", args={"x": 1})


def find(db: sqlite3.Connection, **changes: object) -> Known | None:
    what: dict[str, object] = {"box": "box-a", "op": "a.b", "args": {"x": 1}, **changes}
    return commands.find(db, "id-1", **what)  # type: ignore[arg-type]


def test_the_very_bytes_are_found_again(db: sqlite3.Connection) -> None:
    assert find(db) is None
    keep(db)
    assert find(db) == Known(FIRST, None)


def test_signed_anew_the_new_bytes_count(db: sqlite3.Connection) -> None:
    keep(db)
    keep(db, Written("id-1", b"newer", 2000, "chal"))
    assert find(db) == Known(Written("id-1", b"newer", 2000, "chal"), None)


@pytest.mark.parametrize("changes", [{"box": "box-b"}, {"op": "c.d"}, {"args": {"x": 2}}])
def test_an_id_means_one_command(db: sqlite3.Connection, changes: dict[str, object]) -> None:
    keep(db)
    with pytest.raises(Invalid) as caught:
        find(db, **changes)
    assert caught.value.code == "id_reused"


def test_the_first_final_result_stays(db: sqlite3.Connection) -> None:
    keep(db)
    done = Result("id-1", ResultState.DONE, "ok", "", {"a": [1]})
    assert commands.finish(db, done) == done
    assert commands.finish(db, Result("id-1", ResultState.FAILED, "x")) == done
    known = find(db)
    assert known is not None
    assert known.result == done


def test_what_has_no_final_result_is_listed(db: sqlite3.Connection) -> None:
    keep(db)
    commands.keep(db, Written("id-2", b"e", 1, None), box="box-b", op="c.d", args={})
    commands.finish(db, Result("id-1", ResultState.DONE))
    assert commands.unfinished(db) == [("id-2", "box-b", "c.d", {})]


def test_what_was_over_long_ago_is_forgotten_and_nothing_else(db: sqlite3.Connection) -> None:
    keep(db)
    commands.prune(db, now_ms=FIRST.exp_ms + 2 * commands.KEEP_MS)
    assert find(db) is not None
    commands.finish(db, Result("id-1", ResultState.DONE))
    commands.prune(db, now_ms=FIRST.exp_ms + commands.KEEP_MS)
    assert find(db) is not None
    commands.prune(db, now_ms=FIRST.exp_ms + commands.KEEP_MS + 1)
    assert find(db) is None
