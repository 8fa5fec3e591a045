"""The order and patience of recovery."""

from __future__ import annotations

import pytest

from board.v4l2.ladder import RecoveryLadder, Step

ALL = tuple(Step)
LEAST = (Step.REQUERY, Step.RESTART, Step.REOPEN)


def climbed(ladder: RecoveryLadder, times: int) -> list[Step]:
    return [ladder.next_step() for _ in range(times)]


@pytest.mark.parametrize(
    ("can_rebind", "can_reset", "steps"),
    [
        (True, True, ALL),
        (False, True, (*LEAST, Step.RESET)),
        (True, False, (*LEAST, Step.REBIND)),
        (False, False, LEAST),
    ],
)
def test_from_the_mildest_to_the_strongest_that_the_device_knows_and_over_again(
    can_rebind: bool, can_reset: bool, steps: tuple[Step, ...]
) -> None:
    ladder = RecoveryLadder(can_rebind=can_rebind, can_reset=can_reset)
    assert climbed(ladder, 2 * len(steps)) == [*steps, *steps]
    assert ladder.rounds == 2


def test_patience_grows_with_each_step_and_doubles_with_each_round_up_to_eightfold() -> None:
    ladder = RecoveryLadder(can_rebind=False, can_reset=False)
    waits = []
    for _ in range(15):
        waits.append(ladder.patience_ns(first_picture=False) / 1e9)
        ladder.next_step()
    assert waits == [0.6, 0.6, 1.0, 3.0, 1.2, 2.0, 6.0, 2.4, 4.0, 12.0, 4.8, 8.0, 12.0, 4.8, 8.0]


def test_the_first_picture_after_a_start_is_given_more_time() -> None:
    ladder = RecoveryLadder(can_rebind=False, can_reset=False)
    assert ladder.patience_ns(first_picture=True) == 2_500_000_000


def test_it_never_gives_up() -> None:
    ladder = RecoveryLadder(can_rebind=True, can_reset=True)
    climbed(ladder, 1000)
    assert ladder.rounds == 200
    assert ladder.patience_ns(first_picture=False) == 32_000_000_000


def test_pictures_lead_back_to_the_mildest_means_and_the_first_patience() -> None:
    ladder = RecoveryLadder(can_rebind=False, can_reset=False)
    climbed(ladder, 4)
    ladder.climbed_down()
    assert ladder.rounds == 0
    assert ladder.tried is None
    assert ladder.patience_ns(first_picture=False) == 600_000_000
    assert ladder.next_step() is Step.REQUERY
