"""`make bench-durability` in short: real processes, killed by their pids at moments that a fixed seed chooses."""

from pathlib import Path

import pytest

from tests.durability.commands import measure_commands
from tests.durability.envelopes import measure_envelopes
from tests.durability.events import measure_events

pytestmark = pytest.mark.peer
SEED = 7


async def test_each_command_runs_at_most_once_and_ends_once_whatever_is_killed(tmp_path: Path) -> None:
    found = await measure_commands(tmp_path, commands=60, kills=5, seed=SEED, rate=20, pause_s=(0.5, 1.0))
    print(f"seed {SEED}: {found}")
    assert sum(found.kills.values()) == 5
    assert (found.run_twice, found.lost_after_accepted, found.without_one_end) == (0, 0, 0)
    assert (found.contradicted, found.done_not_run, found.rejected_but_run) == (0, 0, 0)
    assert found.ended["done"] > 40


async def test_no_event_is_lost_or_doubled_by_a_broker_that_is_killed(tmp_path: Path) -> None:
    found = await measure_events(tmp_path, events=1500, kills=3, seed=SEED, pause_s=(0.5, 1.0), timeout_s=50)
    print(f"seed {SEED}: {found}")
    assert (found.lost, found.doubled, found.out_of_order, found.given_up) == (0, 0, 0, 0)


async def test_hostile_envelopes_never_run_and_leave_nothing_behind(tmp_path: Path) -> None:
    found = await measure_envelopes(tmp_path, count=1500, seed=SEED)
    print(f"seed {SEED}: {found}")
    assert (found.run, found.crashes) == (0, 0)
    assert found.growth_mb < 5
    assert found.still_obeys
