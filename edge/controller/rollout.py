"""A change to many boxes in waves: first a few, then more, only while those before are well. Pure."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any

from edge.model.errors import Fault, Invalid, NotFound


class Mark(StrEnum):
    """How it went with one box. `sent`: it may have been told, and is told the same again."""

    PENDING = "pending"
    SENT = "sent"
    GOOD = "good"
    BAD = "bad"


class Course(StrEnum):
    RUNNING = "running"
    DONE = "done"
    ABORTED = "aborted"


@dataclass(frozen=True, slots=True)
class Change:
    """An operation with its arguments, or with `op` empty a desired document."""

    op: str
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Terms:
    """`settle_s`: time for a box to do it and be well; `soak_s`: for how long a wave must then stay well.

    More than `most_bad` boxes that fail end it.
    """

    settle_s: float
    soak_s: float
    most_bad: int


@dataclass(frozen=True, slots=True)
class Fate:
    """`rev`: of the desired document that was put; `before`: the box's health then."""

    mark: Mark = Mark.PENDING
    word: str = ""
    rev: int = 0
    before: str = ""


@dataclass(frozen=True, slots=True)
class Rollout:
    """The plan and how far it has come. `waves` are box ids; `passed` waves have been judged and found well."""

    id: str
    change: Change
    terms: Terms
    waves: tuple[tuple[str, ...], ...]
    course: Course = Course.RUNNING
    passed: int = 0
    fates: Mapping[str, Fate] = field(default_factory=dict)

    def fate(self, box: str) -> Fate:
        return self.fates.get(box, Fate())

    def with_fate(self, box: str, fate: Fate) -> Rollout:
        return replace(self, fates={**self.fates, box: fate})

    @property
    def bad(self) -> tuple[str, ...]:
        return tuple(box for box, fate in self.fates.items() if fate.mark is Mark.BAD)

    @property
    def wave(self) -> tuple[str, ...]:
        """The one that is now to be told and judged; empty when it is over."""
        return self.waves[self.passed] if self.course is Course.RUNNING else ()

    @property
    def judged(self) -> bool:
        """Whether every box of the present wave is known to be good or bad."""
        return all(self.fate(box).mark in (Mark.GOOD, Mark.BAD) for box in self.wave)

    def next(self) -> Rollout:
        """After the present wave has been judged: the next one, or the end. Raises Fault before that."""
        if len(self.bad) > self.terms.most_bad:
            return replace(self, course=Course.ABORTED)
        if not self.judged:
            raise Fault("a wave goes out before the one before it was judged")
        passed = self.passed + 1
        return replace(self, passed=passed, course=Course.DONE if passed == len(self.waves) else Course.RUNNING)


def waves(boxes: Sequence[str], *, canary: int, size: str) -> tuple[tuple[str, ...], ...]:
    """`canary` boxes first, then `size` at a time: a number, or per cent of all. Raises Invalid `bad_words`."""
    step = count(size, len(boxes), "--wave")
    if canary < 1 or step < 1:
        raise Invalid("a wave has one box at least", code="bad_words")
    later = boxes[canary:]
    chunks = [tuple(later[at : at + step]) for at in range(0, len(later), step)]
    return (tuple(boxes[:canary]), *chunks)


def count(text: str, whole: int, name: str) -> int:
    """`20` or `10%` of `whole`, rounded up. Raises Invalid `bad_words`."""
    digits = text.removesuffix("%")
    if not digits.isdecimal() or len(digits) > 6:
        raise Invalid(f"{name} {text}: a number, or per cent such as 10%", code="bad_words")
    return -(-whole * int(digits) // 100) if text.endswith("%") else int(digits)


def worse(health: str, before: str) -> bool:
    """Whether a box is less well than it was."""
    order = ("ok", "degraded", "failed")
    rank = order.index(health) if health in order else len(order)
    return rank > (order.index(before) if before in order else 0)


def keep(db: sqlite3.Connection, rollout: Rollout) -> None:
    """Inside `Ledger.run`."""
    db.execute("INSERT OR REPLACE INTO rollouts VALUES (?, ?)", (rollout.id, json.dumps(asdict(rollout))))


def load(db: sqlite3.Connection, id: str | None) -> Rollout:
    """That one, or the newest. Inside `Ledger.run`. Raises NotFound `unknown_rollout`."""
    found = [one for one in load_all(db) if id is None or one.id == id]
    if not found:
        raise NotFound(f"no rollout {id} is known here" if id else "no rollout is known here", code="unknown_rollout")
    return found[-1]


def load_all(db: sqlite3.Connection) -> list[Rollout]:
    """Oldest first: their ids begin with the time."""
    return [_revive(json.loads(row[0])) for row in db.execute("SELECT body FROM rollouts ORDER BY id").fetchall()]


def _revive(body: Mapping[str, Any]) -> Rollout:
    return Rollout(
        id=body["id"],
        change=Change(**body["change"]),
        terms=Terms(**body["terms"]),
        waves=tuple(map(tuple, body["waves"])),
        course=Course(body["course"]),
        passed=body["passed"],
        fates={box: Fate(**{**fate, "mark": Mark(fate["mark"])}) for box, fate in body["fates"].items()},
    )
