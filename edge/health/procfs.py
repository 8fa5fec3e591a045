"""Counters from /proc and /sys. Source: proc(5), and the kernel's sysfs-class-thermal and hwmon documents."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_PLAUSIBLE_C = range(-40, 150)


@dataclass(frozen=True, slots=True)
class CpuTicks:
    """Of all cores together, in clock ticks since boot."""

    busy: int
    total: int


@dataclass(frozen=True, slots=True)
class ProcessTicks:
    """`cpu` in clock ticks since the process began; `rss_bytes` of physical memory now."""

    cpu: int
    rss_bytes: int


class ProcFs:
    """Reads below `root`. Raises OSError or ValueError when the kernel's files are not there or not understood."""

    def __init__(self, root: Path = Path("/")) -> None:
        self._proc = root / "proc"
        self._sys = root / "sys"
        self._page_bytes = os.sysconf("SC_PAGE_SIZE")

    def cpu(self) -> CpuTicks:
        """`iowait` counts as idle; guest time is inside user time already."""
        first_line = self._text("stat").split("\n", 1)[0]
        user, nice, system, idle, iowait, irq, softirq, steal = map(int, first_line.split()[1:9])
        busy = user + nice + system + irq + softirq + steal
        return CpuTicks(busy, busy + idle + iowait)

    def memory_used_pct(self) -> float:
        """What is not available without swapping, of all."""
        lines = dict(line.split(":", 1) for line in self._text("meminfo").splitlines() if ":" in line)
        total, available = (int(lines[name].split()[0]) for name in ("MemTotal", "MemAvailable"))
        return 100 * (1 - available / total)

    def load(self) -> tuple[float, float, float]:
        """Over 1, 5 and 15 minutes."""
        one, five, fifteen = map(float, self._text("loadavg").split()[:3])
        return one, five, fifteen

    def uptime_s(self) -> float:
        return float(self._text("uptime").split()[0])

    def process(self, pid: int) -> ProcessTicks | None:
        """None when there is no such process, or only its corpse."""
        try:
            after_name = self._text(f"{pid}/stat").rpartition(")")[2].split()
            rss_pages = int(self._text(f"{pid}/statm").split()[1])
        except (FileNotFoundError, ProcessLookupError):
            return None
        if after_name[0] in "ZX":
            return None
        return ProcessTicks(int(after_name[11]) + int(after_name[12]), rss_pages * self._page_bytes)

    def temperature_c(self) -> float | None:
        """The hottest plausible sensor; None on a board without one."""
        zones = self._sys.glob("class/thermal/thermal_zone*/temp")
        chips = self._sys.glob("class/hwmon/hwmon*/temp*_input")
        return max(_celsius([*zones, *chips]), default=None)

    def _text(self, name: str) -> str:
        return (self._proc / name).read_text(encoding="utf-8", errors="replace")


def _celsius(sensors: list[Path]) -> Iterator[float]:
    for sensor in sensors:
        with contextlib.suppress(OSError, ValueError):  # a sensor that is switched off answers with an error
            value = int(sensor.read_text().strip()) / 1000
            if int(value) in _PLAUSIBLE_C:
                yield value
