from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import pytest

from edge.media.ladder import LadderSpec, LadderState, climb, floor_of, steps_for
from edge.model.video import WHOLE, Priority, Step, VideoFormat

HD60 = VideoFormat(1920, 1080, Fraction(60))
SPEC = LadderSpec(floor_bps=4_000_000)
S = 1_000_000_000


def _after(
    *rates_bps: int, spec: LadderSpec = SPEC, state: LadderState | None = None, every_s: float = 1
) -> LadderState:
    """The state after these rates, one each `every_s`."""
    state = state or LadderState()
    for index, rate in enumerate(rates_bps):
        state = climb(state, spec, HD60, rate, round(index * every_s * S))
    return state


@pytest.mark.parametrize(
    ("priority", "rate_bps", "step"),
    [
        (Priority.DETAIL, 4_000_000, WHOLE),
        (Priority.DETAIL, 3_999_999, Step(1, 2)),
        (Priority.DETAIL, 2_000_000, Step(2, 2)),
        (Priority.DETAIL, 600_000, Step(4, 2)),
        (Priority.DETAIL, 100_000, Step(4, 2)),
        (Priority.MOTION, 3_999_999, Step(2, 1)),
        (Priority.MOTION, 1_000_000, Step(2, 2)),
    ],
)
def test_below_its_floor_a_picture_gives_up_what_matters_less_at_once(
    priority: Priority, rate_bps: int, step: Step
) -> None:
    assert _after(rate_bps, spec=replace(SPEC, priority=priority)).step == step


def test_each_step_needs_fewer_bits_than_the_one_above() -> None:
    for priority in Priority:
        spec = replace(SPEC, priority=priority)
        floors = [floor_of(step, spec, HD60) for step in steps_for(spec, HD60)]
        assert floors == sorted(floors, reverse=True)
        assert len(set(floors)) == len(floors) > 2


def test_without_a_clinical_floor_the_pixels_say_what_is_needed() -> None:
    spec = LadderSpec()
    assert climb(LadderState(), spec, HD60, 8_000_000, 0).step == WHOLE
    assert climb(LadderState(), spec, HD60, 900_000, 0).step != WHOLE
    assert climb(LadderState(), spec, VideoFormat(1280, 720, Fraction(30)), 900_000, 0).step == WHOLE


def test_the_way_up_needs_more_than_the_floor_for_five_seconds() -> None:
    down = _after(3_000_000)
    assert _after(*[4_500_000] * 20, state=down).step == Step(1, 2), "12 % above the floor is too little"
    assert _after(*[5_000_000] * 5, state=down).step == Step(1, 2), "4 s are too short"
    assert _after(*[5_000_000] * 6, state=down).step == WHOLE


def test_one_bad_moment_on_the_way_up_starts_the_time_anew() -> None:
    down = _after(3_000_000)
    assert _after(*[5_000_000] * 4, 4_500_000, *[5_000_000] * 5, state=down).step == Step(1, 2)


def test_it_climbs_one_step_at_a_time() -> None:
    seen = []
    state = _after(100_000)
    for second in range(40):
        state = climb(state, SPEC, HD60, 20_000_000, second * S)
        if not seen or seen[-1] != state.step:
            seen.append(state.step)
    assert seen == [Step(4, 2), Step(2, 2), Step(1, 2), WHOLE]


def test_a_rate_that_swings_about_the_floor_makes_the_picture_change_once() -> None:
    state, steps = LadderState(), []
    for index in range(600):
        state = climb(state, SPEC, HD60, 3_900_000 if index % 2 else 4_400_000, index * S // 10)
        steps.append(state.step)
    assert sum(one != other for one, other in pairwise(steps)) == 1


def test_what_would_be_of_no_use_is_never_taken() -> None:
    slow = VideoFormat(1920, 1080, Fraction(15))
    assert all(step.of(slow).fps >= 12 for step in steps_for(SPEC, slow))
    small = VideoFormat(640, 480, Fraction(60))
    assert all(step.of(small).width >= 320 for step in steps_for(SPEC, small))


def test_switched_off_it_never_gives_up_anything() -> None:
    assert _after(100_000, spec=replace(SPEC, on=False)).step == WHOLE


def test_a_step_that_a_new_preset_does_not_have_is_left() -> None:
    down = _after(3_000_000)
    assert _after(3_000_000, spec=replace(SPEC, priority=Priority.MOTION), state=down).step == Step(2, 1)
