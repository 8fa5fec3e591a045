from __future__ import annotations

import pytest

from board.sim.fault import NO_FAULT, FaultKind, parse_fault
from board.sim.script import FaultScript
from board.sim.stage import FaultStage
from edge.model.errors import Invalid

_S = 1_000_000_000


def kinds(stage: FaultStage, *seconds: float) -> list[str]:
    return [stage.at(round(at * _S))[0].kind.value for at in seconds]


def test_a_timed_fault_ends_by_itself() -> None:
    stage = FaultStage(None)
    stage.put(parse_fault("stall"), 2.0, 10 * _S)
    assert stage.at(10 * _S) == (parse_fault("stall"), 12 * _S)
    assert kinds(stage, 11.99, 12) == ["stall", "clear"]


def test_a_fault_without_length_lasts_until_the_next() -> None:
    stage = FaultStage(None)
    stage.put(parse_fault("freeze"), None, 0)
    assert stage.at(1000 * _S) == (parse_fault("freeze"), None)
    stage.put(parse_fault("clear"), None, 1001 * _S)
    assert stage.at(1001 * _S) == (NO_FAULT, None)


def test_a_script_plays_from_the_first_begin_only() -> None:
    stage = FaultStage(FaultScript.parse("1 no_signal 1\n5 gone\n", where="x"))
    assert kinds(stage, 50) == ["clear"]
    stage.begin(100 * _S)
    assert kinds(stage, 100.5, 101.5) == ["clear", "no_signal"]
    stage.begin(102 * _S)
    assert kinds(stage, 102.5, 105) == ["clear", "gone"]


def test_it_tells_when_the_next_change_may_come() -> None:
    stage = FaultStage(FaultScript.parse("1 stall 1\n1.5 freeze 9\n", where="x"))
    stage.begin(0)
    assert [stage.at(ns)[1] for ns in (0, _S, 3 * _S // 2)] == [_S, 3 * _S // 2, 21 * _S // 2]


def test_a_cue_that_was_over_before_anybody_looked_leaves_nothing() -> None:
    stage = FaultStage(FaultScript.parse("1 stall 1\n", where="x"))
    stage.begin(0)
    assert stage.at(60 * _S) == (NO_FAULT, None)


def test_by_hand_replaces_what_the_script_put() -> None:
    stage = FaultStage(FaultScript.parse("1 stall\n", where="x"))
    stage.begin(0)
    stage.put(parse_fault("no_lock"), 1.0, 2 * _S)
    assert stage.at(2 * _S)[0].kind is FaultKind.NO_LOCK
    with pytest.raises(Invalid):
        stage.put(parse_fault("no_lock"), -1.0, 2 * _S)
