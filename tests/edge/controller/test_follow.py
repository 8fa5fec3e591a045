from hypothesis import given
from hypothesis import strategies as st

from edge.controller.follow import Follower, Step
from edge.controller.home import Position


def test_numbers_in_order_are_fresh_and_move_the_position() -> None:
    follower = Follower(Position("e", 0))
    assert [follower.step("e", n, now_s=0) for n in (1, 2, 3)] == [Step(fresh=True)] * 3
    assert follower.position == Position("e", 3)


def test_repeats_are_not_fresh() -> None:
    follower = Follower(Position("e", 5))
    assert follower.step("e", 5, now_s=0) == Step(fresh=False)
    follower.step("e", 8, now_s=0)
    assert follower.step("e", 8, now_s=0) == Step(fresh=False)


def test_a_newcomer_starts_where_it_joins() -> None:
    follower = Follower()
    assert follower.step("e", 500, now_s=0) == Step(fresh=True)
    assert follower.position == Position("e", 500)


def test_a_gap_is_asked_for_once_and_holds_the_acknowledgement_until_filled() -> None:
    follower = Follower(Position("e", 1))
    assert follower.step("e", 4, now_s=0) == Step(fresh=True, resend_from=2)
    assert follower.step("e", 5, now_s=1) == Step(fresh=True)
    assert follower.position == Position("e", 1)
    assert follower.step("e", 2, now_s=1).fresh
    assert follower.step("e", 3, now_s=1).fresh
    assert follower.position == Position("e", 5)


def test_what_does_not_come_in_ten_seconds_is_given_up() -> None:
    follower = Follower(Position("e", 1))
    follower.step("e", 4, now_s=0)
    follower.step("e", 5, now_s=11)
    assert follower.position == Position("e", 5)
    assert follower.step("e", 8, now_s=12) == Step(fresh=True, resend_from=6)


def test_a_new_epoch_begins_at_one() -> None:
    follower = Follower(Position("old", 900))
    assert follower.step("new", 1, now_s=0) == Step(fresh=True)
    assert follower.position == Position("new", 1)
    assert Follower(Position("old", 9)).step("new", 3, now_s=0).resend_from == 1


@given(st.permutations(range(1, 12)), st.lists(st.integers(1, 11), max_size=10))
def test_any_order_with_repeats_ends_complete_with_each_fresh_once(order: list[int], repeats: list[int]) -> None:
    follower = Follower(Position("e", 0))
    fresh = [n for n in order + repeats if follower.step("e", n, now_s=0).fresh]
    assert sorted(fresh) == list(range(1, 12))
    assert follower.position == Position("e", 11)
