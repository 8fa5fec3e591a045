from __future__ import annotations

import sqlite3

import pytest

from edge.controller import rollout as rollouts
from edge.controller.rollout import Change, Course, Fate, Mark, Rollout, Terms, count, waves, worse
from edge.model.errors import EdgeError, Fault

TERMS = Terms(settle_s=1, soak_s=1, most_bad=1)
PLAN = Rollout("r1", Change("a.b", {"x": 1}), TERMS, (("a",), ("b", "c"), ("d",)))


def marked(rollout: Rollout, **marks: Mark) -> Rollout:
    for box, mark in marks.items():
        rollout = rollout.with_fate(box, Fate(mark))
    return rollout


@pytest.mark.parametrize(
    ("boxes", "canary", "size", "expected"),
    [
        ("abcdef", 1, "2", (("a",), ("b", "c"), ("d", "e"), ("f",))),
        ("abcdef", 2, "50%", (("a", "b"), ("c", "d", "e"), ("f",))),
        ("ab", 5, "1", (("a", "b"),)),
        ("abc", 1, "1%", (("a",), ("b",), ("c",))),
    ],
)
def test_waves_begin_with_the_canaries(
    boxes: str, canary: int, size: str, expected: tuple[tuple[str, ...], ...]
) -> None:
    assert waves(list(boxes), canary=canary, size=size) == expected


@pytest.mark.parametrize(("canary", "size"), [(0, "1"), (1, "0"), (1, "x"), (1, "-1"), (1, "5%%"), (1, "")])
def test_waves_that_make_no_sense_are_refused(canary: int, size: str) -> None:
    with pytest.raises(EdgeError) as caught:
        waves(["a", "b"], canary=canary, size=size)
    assert caught.value.code == "bad_words"


def test_per_cent_are_rounded_up() -> None:
    assert [count("10%", n, "--x") for n in (0, 1, 10, 11)] == [0, 1, 1, 2]


def test_the_next_wave_waits_until_every_box_of_this_one_is_judged() -> None:
    rollout = marked(PLAN, a=Mark.GOOD).next()
    assert rollout.wave == ("b", "c")
    half = marked(rollout, b=Mark.GOOD, c=Mark.SENT)
    with pytest.raises(Fault, match="before the one before it was judged"):
        half.next()
    assert marked(half, c=Mark.GOOD).next().wave == ("d",)


def test_the_last_wave_ends_it() -> None:
    rollout = marked(PLAN, a=Mark.GOOD, b=Mark.GOOD, c=Mark.BAD, d=Mark.GOOD).next().next().next()
    assert (rollout.course, rollout.wave, rollout.bad) == (Course.DONE, (), ("c",))


def test_too_many_bad_boxes_end_it_even_in_the_middle_of_a_wave() -> None:
    rollout = marked(PLAN, a=Mark.GOOD).next()
    assert marked(rollout, b=Mark.BAD, c=Mark.GOOD).next().course is Course.RUNNING
    assert marked(rollout, a=Mark.BAD, b=Mark.BAD).next().course is Course.ABORTED


def test_what_is_kept_comes_back_the_same(db: sqlite3.Connection) -> None:
    rollout = marked(PLAN, a=Mark.GOOD, b=Mark.BAD).next()
    rollouts.keep(db, PLAN)
    rollouts.keep(db, rollout)
    rollouts.keep(db, Rollout("r2", Change("", {}), TERMS, (("a",),)))
    assert rollouts.load(db, "r1") == rollout
    assert rollouts.load(db, None).id == "r2"
    with pytest.raises(EdgeError, match="no rollout r9 is known here"):
        rollouts.load(db, "r9")


@pytest.mark.parametrize(
    ("health", "before", "is_worse"),
    [
        ("ok", "ok", False),
        ("degraded", "degraded", False),
        ("ok", "failed", False),
        ("degraded", "ok", True),
        ("failed", "degraded", True),
        ("nonsense", "ok", True),
        ("degraded", "", True),
    ],
)
def test_a_box_is_compared_with_itself_before(health: str, before: str, is_worse: bool) -> None:
    assert worse(health, before) is is_worse
