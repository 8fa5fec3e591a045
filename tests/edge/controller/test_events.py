from __future__ import annotations

import json
import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.controller import events
from edge.controller import ledger as ledgers
from edge.controller.events import Arrival, Gap, Head
from tests.box_events import BOX, event


def take(db: sqlite3.Connection, *numbers: int, epoch: str = "e") -> list[int]:
    """The numbers released; those of gaps are negative."""
    released = [entry for n in numbers for entry in events.take(db, event(n, epoch=epoch), at_ms=9)]
    return [-entry.eseq if entry.gap else entry.eseq for entry in released]


def kept(db: sqlite3.Connection) -> list[int]:
    return [-entry.eseq if entry.gap else entry.eseq for entry in events.read(db, limit=10_000)]


def test_numbers_in_order_are_released_at_once(db: sqlite3.Connection) -> None:
    assert take(db, 1, 2, 3) == [1, 2, 3]
    assert events.head(db, BOX) == Head("e", 3)


def test_repeats_are_released_once(db: sqlite3.Connection) -> None:
    assert take(db, 1, 1, 3, 3, 2, 2, 1) == [1, 2, 3]
    assert kept(db) == [1, 2, 3]


def test_a_hole_holds_back_what_is_behind_it_until_it_is_filled(db: sqlite3.Connection) -> None:
    assert take(db, 1, 4, 5) == [1]
    assert events.head(db, BOX) == Head("e", 1, Gap("e", 2, 3))
    assert take(db, 2) == [2]
    assert events.head(db, BOX) == Head("e", 2, Gap("e", 3, 3))
    assert take(db, 3) == [3, 4, 5]
    assert events.head(db, BOX) == Head("e", 5)


def test_a_newcomer_knows_that_it_has_missed_the_beginning(db: sqlite3.Connection) -> None:
    assert take(db, 500) == []
    assert events.head(db, BOX) == Head("e", 0, Gap("e", 1, 499))


def test_what_is_given_up_is_an_entry_with_its_numbers_in_its_place(db: sqlite3.Connection) -> None:
    take(db, 1, 4, 5, 8)
    released = events.give_up(db, BOX, "e", 5, reason="gone", at_ms=9)
    assert [(entry.eseq, entry.gap) for entry in released] == [(2, True), (4, False), (5, False)]
    assert released[0].body["data"] == {"first": 2, "last": 3, "reason": "gone"}
    assert events.head(db, BOX) == Head("e", 5, Gap("e", 6, 7))
    assert kept(db) == [1, -2, 4, 5]


def test_giving_up_reaches_no_further_than_was_said(db: sqlite3.Connection) -> None:
    take(db, 1, 9)
    events.give_up(db, BOX, "e", 4, reason="gone", at_ms=9)
    assert events.head(db, BOX) == Head("e", 4, Gap("e", 5, 8))


def test_what_was_given_up_and_comes_after_all_is_kept_once(db: sqlite3.Connection) -> None:
    take(db, 1, 4)
    events.give_up(db, BOX, "e", 3, reason="gone", at_ms=9)
    assert take(db, 3, 3, 1, 4) == [3]
    assert kept(db) == [1, -2, 4, 3]


def test_a_new_epoch_begins_at_one_and_settles_the_old(db: sqlite3.Connection) -> None:
    take(db, 1, 4, epoch="old")
    assert take(db, 1, epoch="new") == [-2, 4, 1]
    assert events.head(db, BOX) == Head("new", 1)


def test_stragglers_of_an_old_epoch_neither_bring_it_back_nor_wait(db: sqlite3.Connection) -> None:
    take(db, 1, 2, epoch="old")
    take(db, 1, epoch="new")
    assert take(db, 3, 2, 6, epoch="old") == [3, -4, 6]
    assert events.head(db, BOX) == Head("new", 1)


def test_boxes_do_not_mix(db: sqlite3.Connection) -> None:
    events.take(db, event(1, box="box-a"), at_ms=9)
    events.take(db, event(7, box="box-b"), at_ms=9)
    assert events.heads(db) == {"box-a": Head("e", 1), "box-b": Head("e", 0, Gap("e", 1, 6))}


def test_too_much_out_of_order_is_not_kept_and_comes_again(
    db: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "MAX_AHEAD", 20)
    far = range(3, 3 + events.MAX_AHEAD + 5)
    take(db, 1, *far)
    assert take(db, 2)[-1] == 2 + events.MAX_AHEAD
    assert take(db, *far)[-1] == far[-1]


def test_reading_takes_filters(db: sqlite3.Connection) -> None:
    for n, kind in enumerate(("alarm", "res", "life", "alarm"), 1):
        events.take(db, event(n, kind=kind, ts=n * 100), at_ms=9)
    events.take(db, event(1, box="box-other"), at_ms=9)
    assert [e.eseq for e in events.read(db, box=BOX, kinds=("alarm",))] == [1, 4]
    assert [e.eseq for e in events.read(db, since_ms=200)] == [2, 3, 4]
    assert [e.eseq for e in events.read(db, box=BOX, limit=2, newest=True)] == [3, 4]
    assert [e.eseq for e in events.read(db, box=BOX, limit=2)] == [1, 2]
    assert [e.box for e in events.read(db, after=4)] == ["box-other"]
    assert events.last_n(db) == 5


def test_odd_kinds_and_times_do_no_harm(db: sqlite3.Connection) -> None:
    for n, kind in enumerate((["x"], "\ud800", None, 5), 1):
        body = json.dumps({"kind": kind, "ts": 1 << 80}).encode()
        events.take(db, Arrival(BOX, "e", n, body), at_ms=9)
    assert [entry.body["kind"] for entry in events.read(db)] == [["x"], "\ud800", None, 5]


def test_what_is_old_is_forgotten_and_does_not_come_back(db: sqlite3.Connection) -> None:
    for n in (1, 2, 3):
        events.take(db, event(n, ts=n * 100), at_ms=9)
    assert events.forget(db, 300) == 2
    assert take(db, 1, 2, 3, 4) == [4]
    assert kept(db) == [3, 4]


@given(st.permutations(range(1, 12)), st.lists(st.integers(1, 11), max_size=10), st.sets(st.integers(1, 11)))
def test_any_order_ends_complete_each_once_in_order(order: list[int], repeats: list[int], lost: set[int]) -> None:
    db = sqlite3.connect(":memory:", isolation_level=None)
    db.executescript(ledgers.SCHEMA)
    coming = [n for n in order + repeats if n not in lost]
    take(db, *coming)
    events.give_up(db, BOX, "e", 11, reason="gone", at_ms=9)
    whole = [entry for entry in events.read(db) if not entry.gap]
    assert [entry.eseq for entry in whole] == [n for n in range(1, 12) if n not in lost]
    noted = [n for e in events.read(db) if e.gap for n in range(e.eseq, e.body["data"]["last"] + 1)]
    assert noted == [n for n in sorted(lost) if n < max(coming, default=0)]
    db.close()
