"""Readings -> findings, each with what to do about it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from edge.health.meter import BoxReading
from edge.model.status import Severity
from edge.runtime.issues import Finding


@dataclass(frozen=True, slots=True)
class Limits:
    """At `warn` a finding is a warning, at `fail` an error. CPU must stay high for `cpu_holds_s`."""

    disk_free_warn_pct: float = 10.0
    disk_free_fail_pct: float = 3.0
    memory_warn_pct: float = 90.0
    memory_fail_pct: float = 96.0
    temperature_warn_c: float = 80.0
    temperature_fail_c: float = 90.0
    cpu_warn_pct: float = 90.0
    cpu_holds_s: float = 30.0


class Checks:
    """`look` states everything that is wrong with one reading."""

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._cpu_high_since_s: float | None = None

    def look(self, reading: BoxReading, *, now_s: float) -> tuple[Finding, ...]:
        return (
            *self._disk(reading),
            *self._memory(reading),
            *self._temperature(reading),
            *self._cpu(reading, now_s),
            *_clock(reading),
        )

    def _disk(self, reading: BoxReading) -> Iterator[Finding]:
        free, limits = reading.disk_free_pct, self._limits
        if free is not None and free <= limits.disk_free_warn_pct:
            advice = "Delete what is no longer needed from the box's disk, or fit a larger one."
            severity = _worse(free <= limits.disk_free_fail_pct)
            yield Finding("disk_low", severity, advice, detail=f"{free:.1f} % of the disk is free")

    def _memory(self, reading: BoxReading) -> Iterator[Finding]:
        used, limits = reading.mem_pct, self._limits
        if used >= limits.memory_warn_pct:
            advice = "End other programs on the box; if this comes back after a restart, report it with the log."
            severity = _worse(used >= limits.memory_fail_pct)
            yield Finding("memory_low", severity, advice, detail=f"{used:.0f} % of the memory is in use")

    def _temperature(self, reading: BoxReading) -> Iterator[Finding]:
        hot, limits = reading.temperature_c, self._limits
        if hot is not None and hot >= limits.temperature_warn_c:
            advice = "Give the box air: free its vents, check its fan, move it away from other warm devices."
            severity = _worse(hot >= limits.temperature_fail_c)
            yield Finding("temperature_high", severity, advice, detail=f"the hottest sensor says {hot:.0f} degrees C")

    def _cpu(self, reading: BoxReading, now_s: float) -> Iterator[Finding]:
        if reading.cpu_pct < self._limits.cpu_warn_pct:
            self._cpu_high_since_s = None
            return
        if self._cpu_high_since_s is None:
            self._cpu_high_since_s = now_s
        if now_s - self._cpu_high_since_s >= self._limits.cpu_holds_s:
            advice = "Lower the picture rate or size, choose a faster encoder.speed, or end other programs on the box."
            detail = f"the processor has been busy for {self._limits.cpu_holds_s:.0f} s or more"
            yield Finding("cpu_high", Severity.WARNING, advice, detail=detail)


def _clock(reading: BoxReading) -> Iterator[Finding]:
    if not reading.clock_synchronised:
        advice = (
            "Let the box reach a time server (NTP); until then capture times and latencies seen elsewhere may be off."
        )
        yield Finding("clock_unsynchronised", Severity.WARNING, advice)


def _worse(failed: bool) -> Severity:
    return Severity.ERROR if failed else Severity.WARNING
