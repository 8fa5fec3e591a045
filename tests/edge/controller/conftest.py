from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from edge.controller import ledger as ledgers
from edge.controller.ledger import Ledger


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    opened = Ledger(tmp_path / "ledger.sqlite")
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
def db() -> Iterator[sqlite3.Connection]:
    """The ledger's tables, in memory."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.executescript(ledgers.SCHEMA)
    yield connection
    connection.close()
