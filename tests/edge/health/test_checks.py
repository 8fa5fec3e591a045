"""Checks: a table of readings and what is said of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from edge.health.checks import Checks
from edge.health.meter import BoxReading
from edge.model.status import Severity

WELL = BoxReading(
    cpu_pct=20.0,
    mem_pct=50.0,
    load=(0.1, 0.1, 0.1),
    temperature_c=50.0,
    disk_free_pct=60.0,
    uptime_s=100.0,
    clock_synchronised=True,
    processes={},
)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, []),
        ({"disk_free_pct": 10.0}, [("disk_low", Severity.WARNING, "10.0 % of the disk is free")]),
        ({"disk_free_pct": 2.94}, [("disk_low", Severity.ERROR, "2.9 % of the disk is free")]),
        ({"disk_free_pct": None}, []),
        ({"mem_pct": 91.2}, [("memory_low", Severity.WARNING, "91 % of the memory is in use")]),
        ({"mem_pct": 97.0}, [("memory_low", Severity.ERROR, "97 % of the memory is in use")]),
        ({"temperature_c": 80.0}, [("temperature_high", Severity.WARNING, "the hottest sensor says 80 degrees C")]),
        ({"temperature_c": 95.0}, [("temperature_high", Severity.ERROR, "the hottest sensor says 95 degrees C")]),
        ({"temperature_c": None}, []),
        ({"clock_synchronised": False}, [("clock_unsynchronised", Severity.WARNING, "")]),
        ({"cpu_pct": 100.0}, []),
    ],
)
def test_reading_leads_to_these_findings(change: dict[str, Any], expected: list[tuple[str, Severity, str]]) -> None:
    findings = Checks().look(replace(WELL, **change), now_s=0.0)
    assert [(f.code, f.severity, f.detail) for f in findings] == expected
    assert all(f.suggestion.endswith(".") for f in findings)


def test_busy_processor_is_said_only_when_it_stays_busy() -> None:
    checks, busy = Checks(), replace(WELL, cpu_pct=95.0)
    assert checks.look(busy, now_s=100.0) == ()
    assert checks.look(busy, now_s=129.0) == ()
    assert [f.code for f in checks.look(busy, now_s=130.0)] == ["cpu_high"]


def test_one_quiet_reading_starts_the_wait_anew() -> None:
    checks, busy = Checks(), replace(WELL, cpu_pct=95.0)
    checks.look(busy, now_s=0.0)
    checks.look(WELL, now_s=29.0)
    assert checks.look(busy, now_s=31.0) == ()
