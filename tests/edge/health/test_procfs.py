"""ProcFs on a captured tree and on the machine's own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from edge.health.procfs import CpuTicks, ProcFs


def test_cpu_counts_waiting_for_disk_as_idle_and_guests_once(tree: Path) -> None:
    assert ProcFs(tree).cpu() == CpuTicks(busy=1600, total=10_000)


def test_memory_in_use_is_what_is_not_available(tree: Path) -> None:
    assert ProcFs(tree).memory_used_pct() == 75.0


def test_load_and_uptime_are_read(tree: Path) -> None:
    assert ProcFs(tree).load() == (0.52, 0.58, 0.59)
    assert ProcFs(tree).uptime_s() == 911650.12


def test_process_name_with_blanks_and_brackets_does_not_shift_the_fields(tree: Path) -> None:
    found = ProcFs(tree).process(77)
    assert found is not None
    assert found.cpu == 400
    assert found.rss_bytes == 50_000 * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.parametrize("pid", [88, 99])
def test_zombie_and_absent_process_are_none(tree: Path, pid: int) -> None:
    assert ProcFs(tree).process(pid) is None


def test_temperature_is_the_hottest_plausible_sensor(tree: Path) -> None:
    assert ProcFs(tree).temperature_c() == 61.0


def test_board_without_sensor_has_no_temperature(tmp_path: Path) -> None:
    assert ProcFs(tmp_path).temperature_c() is None


def test_sensor_that_answers_nonsense_is_left_out(tree: Path) -> None:
    (tree / "sys/class/thermal/thermal_zone1/temp").write_text("n/a\n")
    assert ProcFs(tree).temperature_c() == 48.25


def test_garbled_stat_is_a_value_error(tree: Path) -> None:
    (tree / "proc/stat").write_text("cpu  12 nonsense\n")
    with pytest.raises(ValueError, match="invalid literal"):
        ProcFs(tree).cpu()


def test_this_machine_can_be_read() -> None:
    procfs = ProcFs()
    own = procfs.process(os.getpid())
    assert own is not None
    assert own.rss_bytes > 1_000_000
    assert 0 < procfs.memory_used_pct() < 100
    assert procfs.cpu().total > 0
    assert procfs.uptime_s() > 0
    assert len(procfs.load()) == 3
