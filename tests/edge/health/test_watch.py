"""HealthWatch: the section on the board and the issues in the book."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Mapping
from pathlib import Path

import pytest
from blockbuster import blockbuster_ctx

from edge.health.meter import BoxMeter
from edge.health.procfs import ProcFs
from edge.health.watch import HealthWatch, Watched
from edge.model.errors import Unavailable
from edge.model.status import ComponentState
from edge.runtime.component import Context
from edge.runtime.issues import IssueBook
from edge.runtime.status_board import StatusBoard
from tests.edge.health.conftest import HandClock


class Bench:
    def __init__(self, tree: Path, clock: HandClock) -> None:
        self.board = StatusBoard()
        self.issues = IssueBook(now_text=lambda: "2026-01-01T00:00:00Z")
        self.processes: Mapping[str, Watched] = {"media": Watched(77)}
        self.free_pct = 50.0
        self.watch = HealthWatch(
            board=self.board,
            issues=self.issues,
            meter=BoxMeter(clock=clock, disk=tree, procfs=ProcFs(tree), free_pct=lambda path: self.free_pct),
            clock=clock,
            processes=lambda: self.processes,
            interval_s=0.001,
        )

    @property
    def codes(self) -> list[str]:
        return [issue.code for issue in self.issues.open_issues()]


@pytest.fixture
def bench(tree: Path, clock: HandClock) -> Bench:
    return Bench(tree, clock)


async def test_section_has_every_name_of_the_contract(bench: Bench) -> None:
    await bench.watch.look()
    assert json.loads(json.dumps(bench.board.get("health"))) == {
        "status": "ok",
        "cpu_pct": 16.0,
        "mem_pct": 75.0,
        "load": [0.52, 0.58, 0.59],
        "temperature_c": 61.0,
        "disk_free_pct": 50.0,
        "uptime_s": 911650,
        "processes": {
            "media": {
                "pid": 77,
                "rss_mb": round(50_000 * os.sysconf("SC_PAGE_SIZE") / 1e6, 1),
                "cpu_pct": 0.0,
                "state": "running",
            }
        },
        "issues": [],
    }


async def test_issue_opens_and_closes_with_what_is_read(bench: Bench) -> None:
    bench.free_pct = 5.0
    await bench.watch.look()
    assert bench.codes == ["disk_low"]
    assert bench.board.get("health")["status"] == "degraded"
    assert bench.board.get("health")["issues"] == ["disk_low"]
    bench.free_pct = 50.0
    await bench.watch.look()
    assert bench.codes == []
    assert bench.board.get("health")["status"] == "ok"


async def test_full_disk_is_a_failure(bench: Bench) -> None:
    bench.free_pct = 0.5
    await bench.watch.look()
    assert bench.board.get("health")["status"] == "failed"


async def test_unsynchronised_clock_is_an_issue(bench: Bench, clock: HandClock) -> None:
    clock.is_synchronised = False
    await bench.watch.look()
    assert bench.codes == ["clock_unsynchronised"]


async def test_process_said_to_run_that_is_not_there_has_failed(bench: Bench) -> None:
    bench.processes = {"rtc": Watched(4_000_000), "link": Watched(None, ComponentState.STOPPED)}
    await bench.watch.look()
    processes = bench.board.get("health")["processes"]
    assert processes["rtc"] == {"pid": 4_000_000, "rss_mb": None, "cpu_pct": None, "state": "failed"}
    assert processes["link"] == {"pid": None, "rss_mb": None, "cpu_pct": None, "state": "stopped"}


async def test_unreadable_kernel_files_are_unavailable(bench: Bench, tree: Path) -> None:
    (tree / "proc/meminfo").unlink()
    with pytest.raises(Unavailable, match=r"health cannot be read: .*meminfo"):
        await bench.watch.look()


async def test_it_goes_on_looking_until_stopped_without_blocking_the_loop(bench: Bench) -> None:
    ctx = Context()
    with blockbuster_ctx():
        run = asyncio.ensure_future(bench.watch.run(ctx))
        async for sections in bench.board.changes():
            if sections["health"]["issues"] == ["disk_low"]:
                break
            assert not run.done()
            bench.free_pct = 5.0
        assert ctx.is_ready
        ctx.ask_to_stop()
        await run
