"""Readings of the box: what has been used since the reading before."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from edge.health.procfs import CpuTicks, ProcessTicks, ProcFs
from edge.ports import Clock


@dataclass(frozen=True, slots=True)
class ProcessReading:
    """`cpu_pct` of one core: 200 is two cores kept busy."""

    pid: int
    rss_mb: float
    cpu_pct: float


@dataclass(frozen=True, slots=True)
class BoxReading:
    """`cpu_pct` of all cores; `temperature_c` None without a sensor; `disk_free_pct` None while unknown."""

    cpu_pct: float
    mem_pct: float
    load: tuple[float, float, float]
    temperature_c: float | None
    disk_free_pct: float | None
    uptime_s: float
    clock_synchronised: bool
    processes: Mapping[str, ProcessReading]


def disk_free_pct(path: Path) -> float | None:
    """Of the file system that holds `path`, or the nearest directory above it that exists."""
    for place in (path.absolute(), *path.absolute().parents):
        if place.exists():
            disk = os.statvfs(place)
            return 100 * disk.f_bavail / disk.f_blocks if disk.f_blocks else None
    return None


class BoxMeter:
    """Each `read` says how busy the box was since the one before; the first one since boot."""

    def __init__(
        self,
        *,
        clock: Clock,
        disk: Path,
        procfs: ProcFs | None = None,
        free_pct: Callable[[Path], float | None] = disk_free_pct,
    ) -> None:
        self._clock = clock
        self._disk = disk
        self._procfs = procfs or ProcFs()
        self._free_pct = free_pct
        self._ticks_hz = os.sysconf("SC_CLK_TCK")
        self._cpu = CpuTicks(0, 0)
        self._processes: dict[int, tuple[int, ProcessTicks]] = {}

    def read(self, pids: Mapping[str, int]) -> BoxReading:
        """Blocking, but short. A process that is not there is left out. Raises OSError, ValueError as ProcFs does."""
        found = {name: reading for name, pid in pids.items() if (reading := self._process(pid)) is not None}
        self._processes = {r.pid: self._processes[r.pid] for r in found.values()}
        return BoxReading(
            cpu_pct=self._cpu_pct(),
            mem_pct=self._procfs.memory_used_pct(),
            load=self._procfs.load(),
            temperature_c=self._procfs.temperature_c(),
            disk_free_pct=self._free_pct(self._disk),
            uptime_s=self._procfs.uptime_s(),
            clock_synchronised=self._clock.synchronised(),
            processes=found,
        )

    def _cpu_pct(self) -> float:
        before, self._cpu = self._cpu, self._procfs.cpu()
        passed = self._cpu.total - before.total
        return 100 * (self._cpu.busy - before.busy) / passed if passed > 0 else 0.0

    def _process(self, pid: int) -> ProcessReading | None:
        now_ns, ticks = self._clock.mono_ns(), self._procfs.process(pid)
        if ticks is None:
            return None
        then_ns, before = self._processes.get(pid, (now_ns, ticks))
        self._processes[pid] = (now_ns, ticks)
        passed_s = (now_ns - then_ns) / 1e9
        used_s = (ticks.cpu - before.cpu) / self._ticks_hz
        return ProcessReading(pid, ticks.rss_bytes / 1e6, max(0.0, 100 * used_s / passed_s) if passed_s > 0 else 0.0)
