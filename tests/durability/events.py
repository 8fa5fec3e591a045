"""Events while the broker is killed again and again."""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from dataclasses import dataclass
from pathlib import Path

from tests.durability.stand import Stand


@dataclass(frozen=True, slots=True)
class EventFigures:
    """What of the events is in the controller's record. `given_up`: holes it recorded as gone for good."""

    events: int
    kills: int
    seconds: float
    lost: int
    doubled: int
    out_of_order: int
    given_up: int


async def measure_events(
    folder: Path, *, events: int, kills: int, seed: int, pause_s: tuple[float, float], timeout_s: float
) -> EventFigures:
    """`pause_s`: between two kills, at random between these. Raises AssertionError when one ends by itself."""
    chance = random.Random(seed)  # noqa: S311
    begun_s = time.monotonic()
    async with Stand(folder, events=events) as stand:
        stand.controller.start()
        for _ in range(kills):
            await asyncio.sleep(chance.uniform(*pause_s))
            stand.check_alive()
            await stand.restart(stand.broker)
        await stand.until(lambda: _count(stand) >= events, "every event is in the record", timeout_s=timeout_s)
        return _judge(stand, events, time.monotonic() - begun_s)


def _count(stand: Stand) -> int:
    found = stand.controller_disk("SELECT COUNT(*) FROM events WHERE gap = 0 AND kind = 'life'")
    return int(found[0][0]) - stand.box.deaths - 1 if found else 0  # without each process's `box.started`


def _judge(stand: Stand, events: int, seconds: float) -> EventFigures:
    record = stand.record()
    told = [body["data"]["n"] for body in record if body.get("code") == "bench.event"]
    return EventFigures(
        events=events,
        kills=stand.broker.deaths,
        seconds=seconds,
        lost=events - len(set(told)),
        doubled=len(told) - len(set(told)),
        out_of_order=sum(after < before for before, after in itertools.pairwise(told)),
        given_up=sum("gap" in body for body in record),
    )
