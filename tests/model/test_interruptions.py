"""One event, one command, and a fault at every moment of their way: after each hop, each round of the loop."""

from __future__ import annotations

import itertools

import pytest

from tests.model.worlds import BoxAndWitness

_HOPS, _ROUNDS = range(2, 6), range(7)


@pytest.mark.parametrize("fate", ["kill box", "cut box"])
def test_whenever_it_happens_nothing_is_lost_and_nothing_runs_twice(fate: str) -> None:
    for hops, rounds in itertools.product(_HOPS, _ROUNDS):
        try:
            _live_through(hops, rounds, fate)
        except AssertionError as error:
            raise AssertionError(f"{fate} after {hops} hops and {rounds} rounds: {error}") from error


def _live_through(hops: int, rounds: int, fate: str) -> None:
    world = BoxAndWitness()
    world.event(count=1, hops=0, rounds=0, fate="go on")
    world.command(op="bad.run", seconds=0.1, hops=hops, rounds=rounds, fate=fate)
    world.loop.advance(0.3)
    world.teardown()
