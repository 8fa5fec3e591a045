"""BoxMeter: what was used between two readings."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from edge.health.meter import BoxMeter, disk_free_pct
from edge.health.procfs import ProcFs
from tests.edge.health.conftest import HandClock


@pytest.fixture
def meter(tree: Path, clock: HandClock) -> BoxMeter:
    return BoxMeter(clock=clock, disk=tree, procfs=ProcFs(tree), free_pct=lambda path: 42.0)


def test_first_reading_says_cpu_since_boot_and_nothing_of_processes(meter: BoxMeter) -> None:
    reading = meter.read({"media": 77})
    assert reading.cpu_pct == 16.0
    assert reading.processes["media"].cpu_pct == 0.0
    assert reading.disk_free_pct == 42.0


def test_second_reading_says_cpu_since_the_first(meter: BoxMeter, tree: Path, clock: HandClock) -> None:
    meter.read({"media": 77})
    (tree / "proc/stat").write_text("cpu  1090 50 500 8010 400 20 30 0 700 0\n")
    stat = (tree / "proc/77/stat").read_text()
    ticks_hz = os.sysconf("SC_CLK_TCK")
    (tree / "proc/77/stat").write_text(stat.replace(" 300 100 ", f" {300 + ticks_hz} 100 "))
    clock.now_ns += 2_000_000_000
    reading = meter.read({"media": 77})
    assert reading.cpu_pct == 90.0
    assert reading.processes["media"].cpu_pct == pytest.approx(50.0)


def test_process_that_is_gone_is_left_out_and_forgotten(meter: BoxMeter, tree: Path, clock: HandClock) -> None:
    meter.read({"media": 77})
    stat = tree / "proc/77/stat"
    text = stat.read_text()
    stat.unlink()
    assert meter.read({"media": 77}).processes == {}
    stat.write_text(text.replace(" 300 100 ", " 9 1 "))
    clock.now_ns += 1_000_000_000
    assert meter.read({"media": 77}).processes["media"].cpu_pct == 0.0


def test_standing_counters_do_not_divide_by_zero(meter: BoxMeter) -> None:
    meter.read({})
    assert meter.read({}).cpu_pct == 0.0


def test_disk_of_a_directory_that_is_not_yet_made_is_that_of_its_parent(tmp_path: Path) -> None:
    free = disk_free_pct(tmp_path / "not" / "yet")
    assert free is not None
    assert 0 <= free <= 100
