"""Under which conditions a figure was taken: printed with every figure."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Sequence
from pathlib import Path

import av

TICKS_HZ = os.sysconf("SC_CLK_TCK")


def conditions() -> str:
    """One line: processor, cores, load, Python, PyAV."""
    versions = f"Python {platform.python_version()}, PyAV {av.__version__}"
    return f"{_processor()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {versions}"


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    named = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.machine())


def cpu_s(pid: int) -> float:
    """CPU seconds that a process has used so far, user and system (proc(5), stat fields 14 and 15)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_HZ


def rss_mb(pid: int) -> float:
    """Resident memory in MB (10^6 bytes)."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def percentile(values: Sequence[float], share: float) -> float:
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, int(share * len(ranked)))]


def say(text: str) -> None:
    print(text)
    sys.stdout.flush()
