"""Commands while box, broker and controller are killed at random."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.durability.controller import id_of
from tests.durability.stand import Stand

_PENDING = ("accepted", "running")


@dataclass(frozen=True, slots=True)
class CommandFigures:
    """What came of them. `contradicted`: with another final state in the record of events than in the ledger."""

    commands: int
    kills: Mapping[str, int]
    seconds: float
    ended: Mapping[str, int]
    run_twice: int
    lost_after_accepted: int
    without_one_end: int
    contradicted: int
    done_not_run: int
    rejected_but_run: int


async def measure_commands(
    folder: Path, *, commands: int, kills: int, seed: int, rate: float, pause_s: tuple[float, float]
) -> CommandFigures:
    """`pause_s`: between two kills, at random between these. Raises AssertionError when one ends by itself."""
    chance = random.Random(seed)  # noqa: S311
    begun_s = time.monotonic()
    async with Stand(folder, commands=commands, rate=rate) as stand:
        stand.controller.start()
        for _ in range(kills):
            await asyncio.sleep(chance.uniform(*pause_s))
            stand.check_alive()
            await stand.restart(chance.choice(stand.programs))
        await stand.until(lambda: stand.controller.ended == 0, "every command has its final state", timeout_s=600)
        seconds = time.monotonic() - begun_s
        await _hear_all(stand)
        deaths = {program.name: program.deaths for program in stand.programs}
        return _judge(stand, commands, deaths, seconds)


async def _hear_all(stand: Stand) -> None:
    """The controller's last process has left with its last result: another hears the rest of the record."""
    stand.controller.kill()
    stand.controller.start()
    stand.controller.deaths -= 1


def _judge(stand: Stand, commands: int, deaths: Mapping[str, int], seconds: float) -> CommandFigures:
    names = [id_of(number) for number in range(commands)]
    runs = Counter(stand.runs())
    ledger = dict(stand.controller_disk("SELECT id, json_extract(result, '$[0]') FROM commands WHERE result NOT NULL"))
    journal = dict(stand.box_disk("SELECT id, json_extract(result, '$.st') FROM journal"))
    told = _told(stand)
    return CommandFigures(
        commands=commands,
        kills=deaths,
        seconds=seconds,
        ended=Counter(ledger.get(name, "nothing") for name in names),
        run_twice=sum(count > 1 for count in runs.values()),
        lost_after_accepted=sum(name in journal and (journal[name] is None or name not in ledger) for name in names),
        without_one_end=sum(name not in ledger for name in names),
        contradicted=sum(bool(told[name] - {ledger.get(name)}) for name in names),
        done_not_run=sum(ledger.get(name) == "done" and not runs[name] for name in names),
        rejected_but_run=sum(ledger.get(name) == "rejected" and runs[name] > 0 for name in names),
    )


def _told(stand: Stand) -> Mapping[str, set[str]]:
    """Final states by command in the record of events, without the refusals after which a sender tries again."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for body in stand.record():
        cmd = body.get("cmd")
        if cmd and cmd["st"] not in _PENDING and cmd["code"] not in ("busy", "challenge_needed", "stale", "expired"):
            found[cmd["id"]].add(cmd["st"])
    return found
