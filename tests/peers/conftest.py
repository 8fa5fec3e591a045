"""Real programs for the tests of this folder, each on a port of its own, each ended by its own pid."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from edge.link.local_broker import local_broker
from tests.broker_program import BrokerProgram


class Mosquitto(BrokerProgram):
    """As the box starts one for itself."""

    def __init__(self, run_dir: Path) -> None:
        super().__init__()
        self.run_dir = run_dir

    def argv(self) -> Sequence[str]:
        return local_broker(self.port, self.run_dir)


@pytest.fixture
def mosquitto_down(tmp_path: Path) -> Iterator[Mosquitto]:
    """A broker that is not running yet."""
    broker = Mosquitto(tmp_path / "mosquitto")
    yield broker
    broker.stop()


@pytest.fixture
def mosquitto(mosquitto_down: Mosquitto) -> Mosquitto:
    """A running broker."""
    mosquitto_down.start()
    return mosquitto_down
