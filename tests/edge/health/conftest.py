"""Captured /proc and /sys trees, and a clock that the test moves."""

from __future__ import annotations

from pathlib import Path

import pytest

FILES = {
    "proc/stat": "cpu  1000 50 500 8000 400 20 30 0 700 0\ncpu0 500 25 250 4000 200 10 15 0 350 0\nintr 1\n",
    "proc/meminfo": "MemTotal:        4000000 kB\nMemFree:          200000 kB\nMemAvailable:    1000000 kB\n",
    "proc/loadavg": "0.52 0.58 0.59 2/1203 88291\n",
    "proc/uptime": "911650.12 1700000.00\n",
    "proc/77/stat": "77 (edge (media) x) S 1 77 77 0 -1 4194560 9 0 0 0 300 100 0 0 20 0 12 0 500 1000 2000 1844",
    "proc/77/statm": "90000 50000 9000 1 0 60000 0\n",
    "proc/88/stat": "88 (corpse) Z 1 88 88 0 -1 4194560 9 0 0 0 300 100 0 0 20 0 12 0 500 0 0 1844",
    "proc/88/statm": "0 0 0 0 0 0 0\n",
    "sys/class/thermal/thermal_zone0/temp": "48250\n",
    "sys/class/thermal/thermal_zone1/temp": "61000\n",
    "sys/class/hwmon/hwmon0/temp1_input": "-273000\n",
}


class HandClock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now_ns = 1_000_000_000
        self.is_synchronised = True

    def mono_ns(self) -> int:
        return self.now_ns

    def utc_ns(self, mono_ns: int | None = None) -> int:
        return self.now_ns if mono_ns is None else mono_ns

    def synchronised(self) -> bool:
        return self.is_synchronised

    def uncertainty_us(self) -> int | None:
        return None


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path
