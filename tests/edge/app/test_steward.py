from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from edge.app.steward import Steward
from edge.model.errors import PeerGone, TimedOut
from edge.runtime.component import Context


@dataclass
class Process:
    """Takes wishes, or raises what stands in `trouble`, once each."""

    trouble: list[Exception] = field(default_factory=list)
    asked: asyncio.Queue[int] = field(default_factory=asyncio.Queue)
    _count: int = 0

    async def tell(self) -> None:
        self._count += 1
        self.asked.put_nowait(self._count)
        if self.trouble:
            raise self.trouble.pop(0)


@pytest.fixture
async def process() -> Process:
    return Process()


@pytest.fixture
async def steward(process: Process) -> AsyncIterator[Steward]:
    made, ctx = Steward(name="steward-media", tell=process.tell, again_s=0), Context()
    task = asyncio.ensure_future(made.run(ctx))
    yield made
    ctx.ask_to_stop()
    await asyncio.wait_for(task, 10)


async def test_nobody_is_told_before_there_is_something_to_tell(steward: Steward, process: Process) -> None:
    for _ in range(5):
        await asyncio.sleep(0)
    assert process.asked.empty()


async def test_changes_that_come_together_are_told_once(steward: Steward, process: Process) -> None:
    steward.due()
    steward.due()
    assert await process.asked.get() == 1
    steward.due()
    assert await process.asked.get() == 2
    assert process.asked.empty()


async def test_process_that_refuses_is_told_again(steward: Steward, process: Process) -> None:
    process.trouble.append(TimedOut("no answer"))
    steward.due()
    assert await process.asked.get() == 1
    assert await asyncio.wait_for(process.asked.get(), 10) == 2


async def test_process_that_is_away_is_told_when_it_is_back(steward: Steward, process: Process) -> None:
    process.trouble.append(PeerGone("away"))
    steward.due()
    assert await process.asked.get() == 1
    for _ in range(5):
        await asyncio.sleep(0)
    assert process.asked.empty()
    steward.due()
    assert await process.asked.get() == 2
