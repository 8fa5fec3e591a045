"""Component: looks at the box every few seconds and says on the status board how it is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from edge.health.checks import Checks
from edge.health.meter import BoxMeter, BoxReading
from edge.model.errors import Unavailable
from edge.model.status import ComponentState, Severity
from edge.ports import Clock
from edge.runtime.component import Context
from edge.runtime.issues import Finding, IssueBook
from edge.runtime.status_board import StatusBoard

_ORIGIN = "health"


@dataclass(frozen=True, slots=True)
class Watched:
    """One of the box's processes. `pid` None while it does not run."""

    pid: int | None
    state: str = ComponentState.RUNNING


class HealthWatch:
    """Puts the section `health` on the board and states its findings in the book of issues.

    `processes` says by name which processes to look at.
    """

    name = "health"
    critical = False

    def __init__(
        self,
        *,
        board: StatusBoard,
        issues: IssueBook,
        meter: BoxMeter,
        clock: Clock,
        processes: Callable[[], Mapping[str, Watched]],
        checks: Checks | None = None,
        interval_s: float = 2.0,
    ) -> None:
        self._board = board
        self._issues = issues
        self._meter = meter
        self._clock = clock
        self._processes = processes
        self._checks = checks or Checks()
        self._interval_s = interval_s
        self.stall_s = 10 * interval_s

    async def run(self, ctx: Context) -> None:
        """Raises Unavailable where the kernel's files cannot be read."""
        await self.look()
        ctx.ready()
        await ctx.until_stopped(self._keep_looking(ctx))

    async def look(self) -> None:
        """One reading, from which the board and the issues follow."""
        watched = self._processes()
        pids = {name: process.pid for name, process in watched.items() if process.pid is not None}
        try:
            reading = await asyncio.to_thread(self._meter.read, pids)
        except (OSError, ValueError, KeyError) as error:
            raise Unavailable(f"the box's health cannot be read: {error}") from error
        findings = self._checks.look(reading, now_s=self._clock.mono_ns() / 1e9)
        self._issues.state(_ORIGIN, findings)
        self._board.put("health", _section(reading, watched, findings))

    async def _keep_looking(self, ctx: Context) -> None:
        while True:
            await asyncio.sleep(self._interval_s)
            await self.look()
            ctx.progress()


def _section(reading: BoxReading, watched: Mapping[str, Watched], findings: Iterable[Finding]) -> Mapping[str, Any]:
    findings = tuple(findings)
    return {
        "status": _status(findings, watched),
        "cpu_pct": round(reading.cpu_pct, 1),
        "mem_pct": round(reading.mem_pct, 1),
        "load": list(reading.load),
        "temperature_c": None if reading.temperature_c is None else round(reading.temperature_c, 1),
        "disk_free_pct": None if reading.disk_free_pct is None else round(reading.disk_free_pct, 1),
        "uptime_s": int(reading.uptime_s),
        "processes": {name: _process(name, process, reading) for name, process in watched.items()},
        "issues": [finding.code for finding in findings],
    }


def _process(name: str, process: Watched, reading: BoxReading) -> Mapping[str, Any]:
    read = reading.processes.get(name)
    gone = read is None and process.state == ComponentState.RUNNING
    return {
        "pid": process.pid,
        "rss_mb": None if read is None else round(read.rss_mb, 1),
        "cpu_pct": None if read is None else round(read.cpu_pct, 1),
        "state": ComponentState.FAILED if gone else process.state,
    }


def _status(findings: Iterable[Finding], watched: Mapping[str, Watched]) -> str:
    severities = {finding.severity for finding in findings}
    if Severity.ERROR in severities or any(p.state == ComponentState.FAILED for p in watched.values()):
        return "failed"
    return "degraded" if Severity.WARNING in severities else "ok"
