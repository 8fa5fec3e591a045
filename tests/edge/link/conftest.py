from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from edge.link.letters import ClockWord, Scribe
from edge.link.store import Store
from tests.fakes import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def scribe(clock: FakeClock) -> Scribe:
    return Scribe(boot="boot", clock=clock, clock_word=ClockWord(clock))


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = Store(tmp_path / "link.sqlite")
    await store.open()
    yield store
    await store.close()
