from __future__ import annotations

from edge.controller.events import Gap
from edge.controller.follow import QUIET_S, SETTLE_S, Follower, Step
from edge.model.command import Result, ResultState

GAP = Gap("e", 2, 3)


def done(last: int) -> Result:
    return Result("id", ResultState.DONE, payload={"epoch": "e", "from": 2, "last": last})


def asked(gap: Gap = GAP) -> Follower:
    """One that has just asked, at 1 s."""
    follower = Follower()
    assert follower.step(gap, now_s=0, online=True) is Step.WAIT
    assert follower.step(gap, now_s=1, online=True) is Step.ASK
    return follower


def test_no_hole_nothing_to_do() -> None:
    assert Follower().step(None, now_s=0, online=True) is Step.WAIT


def test_a_hole_is_given_time_to_settle_and_then_asked_for_once() -> None:
    follower = Follower()
    assert follower.step(GAP, now_s=0, online=True) is Step.WAIT
    assert follower.step(GAP, now_s=SETTLE_S / 2, online=True) is Step.WAIT
    assert follower.step(GAP, now_s=SETTLE_S, online=True) is Step.ASK
    assert follower.step(GAP, now_s=100, online=True) is Step.WAIT


def test_a_box_that_is_away_is_neither_asked_nor_given_up() -> None:
    follower = Follower()
    assert [follower.step(GAP, now_s=t, online=False) for t in (0, 10, 1e6)] == [Step.WAIT] * 3
    assert follower.step(GAP, now_s=1e6 + 1, online=True) is Step.ASK


def test_what_does_not_come_after_the_answer_is_given_up_as_far_as_was_asked() -> None:
    follower = asked()
    follower.answered(done(9), now_s=2)
    assert follower.step(GAP, now_s=2 + QUIET_S / 2, online=True) is Step.WAIT
    assert follower.step(GAP, now_s=2 + QUIET_S, online=True) is Step.GIVE_UP
    assert (follower.covered, follower.reason) == (9, "the box no longer has them")


def test_what_the_box_still_has_is_never_given_up_but_asked_for_again() -> None:
    follower = asked()
    follower.answered(Result("id", ResultState.DONE, payload={"from": 2, "first": 2, "last": 9}), now_s=2)
    assert follower.step(GAP, now_s=2 + QUIET_S, online=True) is Step.WAIT
    assert follower.step(GAP, now_s=2 + QUIET_S + 2, online=True) is Step.ASK
    follower.answered(Result("id", ResultState.DONE, payload={"from": 2, "first": 3, "last": 9}), now_s=8)
    assert follower.step(GAP, now_s=8 + QUIET_S, online=True) is Step.GIVE_UP
    assert follower.covered == 2


def test_while_it_moves_nothing_is_given_up() -> None:
    follower = asked()
    follower.answered(done(9), now_s=2)
    assert follower.step(Gap("e", 3, 3), now_s=4, online=True) is Step.WAIT
    assert follower.step(Gap("e", 3, 3), now_s=6, online=True) is Step.WAIT
    assert follower.step(Gap("e", 3, 3), now_s=4 + QUIET_S, online=True) is Step.GIVE_UP


def test_a_later_hole_is_asked_for_in_its_own_right() -> None:
    follower = asked()
    follower.answered(done(9), now_s=2)
    later = Gap("e", 12, 13)
    assert follower.step(later, now_s=2 + QUIET_S, online=True) is Step.WAIT
    assert follower.step(later, now_s=2 + 2 * QUIET_S, online=True) is Step.ASK


def test_a_box_that_does_not_answer_is_asked_again_ever_more_rarely() -> None:
    follower = asked()
    now, waits = 1.0, []
    for _ in range(6):
        follower.failed(now_s=now)
        start = now
        while follower.step(GAP, now_s=now, online=True) is not Step.ASK:
            now += 0.5
        waits.append(now - start)
    assert waits == [2, 5, 15, 60, 60, 60]


def test_a_box_that_refuses_has_a_minute() -> None:
    follower = asked()
    follower.answered(Result("id", ResultState.REJECTED, "forbidden"), now_s=2)
    assert follower.step(GAP, now_s=59, online=True) is Step.ASK
    follower.answered(Result("id", ResultState.REJECTED, "forbidden"), now_s=59)
    assert follower.step(GAP, now_s=60, online=True) is Step.GIVE_UP
    assert (follower.covered, follower.reason) == (3, "the box refuses to send them again: forbidden")


def test_with_a_new_connection_of_ours_it_is_asked_anew() -> None:
    follower = asked()
    follower.answered(done(9), now_s=2)
    follower.lost_touch(now_s=3)
    assert follower.step(GAP, now_s=3.1, online=True) is Step.WAIT
    assert follower.step(GAP, now_s=9, online=True) is Step.ASK


def test_a_hole_of_another_epoch_is_another_hole() -> None:
    follower = asked()
    follower.answered(done(9), now_s=2)
    assert follower.step(Gap("new", 1, 1), now_s=9, online=True) is Step.WAIT
    assert follower.step(Gap("new", 1, 1), now_s=10, online=True) is Step.ASK


def test_what_the_box_still_has_is_asked_for_again_and_never_given_up() -> None:
    follower = asked()
    answer = Result("id", ResultState.DONE, payload={"epoch": "e", "from": 2, "first": 2, "last": 9})
    for start_s in (2.0, 102.0):
        follower.answered(answer, now_s=start_s)
        assert follower.step(GAP, now_s=start_s + QUIET_S, online=True) is Step.WAIT
        assert follower.step(GAP, now_s=start_s + 90, online=True) is Step.ASK
