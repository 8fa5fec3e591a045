"""Fixtures for every ring."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.running_box import RunningBox

pytest.register_assert_rewrite("tests.contract")  # its suites say what they compared

_LIGHT = ("source.sim.width=1280", "source.sim.height=720", "source.sim.fps=30", "encoder.bitrate_bps=4000000")


@pytest.fixture(scope="module")
def running_box() -> Iterator[RunningBox]:
    """A live box on the simulated board, 720p30, shared by a module's tests."""
    with (
        tempfile.TemporaryDirectory(prefix="box-", dir="/tmp") as folder,  # short: Unix sockets live below it
        RunningBox(Path(folder), *_LIGHT) as box,
    ):
        box.wait_live()
        yield box


@pytest.fixture
def short_path() -> Iterator[Path]:
    """A folder with a path short enough for Unix sockets."""
    with tempfile.TemporaryDirectory(prefix="edge-", dir="/tmp") as folder:
        yield Path(folder)
