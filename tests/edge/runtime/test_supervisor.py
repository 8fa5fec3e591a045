from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

import pytest

from edge.model.errors import PeerGone
from edge.model.status import ComponentState
from edge.runtime.backoff import Backoff
from edge.runtime.component import Component, Context, Threaded
from edge.runtime.supervisor import Supervisor


class _Part:
    stall_s: float | None = None

    def __init__(self, run: Callable[[Context], object], *, critical: bool = False) -> None:
        self.name = "part"
        self.critical = critical
        self._run = run
        self.runs = 0

    async def run(self, ctx: Context) -> None:
        self.runs += 1
        ctx.ready()
        outcome = self._run(ctx)
        if asyncio.iscoroutine(outcome):
            await outcome


def _supervisor(**more: object) -> Supervisor:
    return Supervisor(backoff=lambda: Backoff(first_s=0.001, cap_s=0.001), **more)  # type: ignore[arg-type]


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.005)


async def _run_until(supervisor: Supervisor, condition: Callable[[], bool], *parts: Component) -> None:
    task = asyncio.ensure_future(supervisor.run(*parts))
    await _until(condition)
    supervisor.stop()
    await asyncio.wait_for(task, 10)


def _fail(error: Exception) -> Callable[[Context], None]:
    def run(ctx: Context) -> None:
        raise error

    return run


async def test_failing_component_is_started_again() -> None:
    part = _Part(_fail(PeerGone("away")))
    supervisor = _supervisor()
    await _run_until(supervisor, lambda: part.runs >= 3, part)
    assert supervisor.statuses()[0].restarts >= 2
    assert supervisor.statuses()[0].last_error == "away"


async def test_one_failing_component_leaves_the_others_alone() -> None:
    failing = _Part(_fail(ValueError("ours")))
    steady = _Part(lambda ctx: ctx.stopped())
    steady.name = "steady"
    await _run_until(_supervisor(), lambda: failing.runs >= 4, failing, steady)
    assert steady.runs == 1


async def test_critical_component_that_fails_five_times_takes_the_process_down() -> None:
    left = threading.Event()
    part = _Part(_fail(PeerGone("away")), critical=True)
    await _run_until(_supervisor(exit_process=left.set), left.is_set, part)
    assert part.runs >= 5


async def test_uncritical_component_may_fail_for_ever() -> None:
    left = threading.Event()
    part = _Part(_fail(PeerGone("away")))
    await _run_until(_supervisor(exit_process=left.set), lambda: part.runs >= 12, part)
    assert not left.is_set()


async def test_component_without_progress_is_restarted() -> None:
    part = _Part(lambda ctx: ctx.stopped())
    part.stall_s = 0.01
    await _run_until(_supervisor(), lambda: part.runs >= 2, part)


async def test_stuck_thread_of_a_critical_component_takes_the_process_down(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.runtime.supervisor._GRACE_S", 0.05)
    left, release = threading.Event(), threading.Event()

    def work(ctx: Context) -> None:
        ctx.ready()
        release.wait(10)

    part = Threaded("stuck", work, critical=True, stall_s=0.01)
    await _run_until(_supervisor(exit_process=left.set), left.is_set, part)
    release.set()


async def test_component_that_ends_unasked_is_started_again() -> None:
    part = _Part(lambda ctx: None)
    supervisor = _supervisor()
    await _run_until(supervisor, lambda: part.runs >= 3, part)
    assert supervisor.statuses()[0].last_error == "part ended unasked"


async def test_stop_ends_threads_and_tasks() -> None:
    ended = []

    def work(ctx: Context) -> None:
        ctx.ready()
        while not ctx.sleep(1):
            pass
        ended.append("thread")

    async def wait(ctx: Context) -> None:
        await ctx.stopped()
        ended.append("task")

    supervisor = _supervisor()
    part = _Part(wait)
    await _run_until(supervisor, lambda: part.runs == 1, part, Threaded("thread", work))
    assert sorted(ended) == ["task", "thread"]
    assert {status.state for status in supervisor.statuses()} == {ComponentState.STOPPED}


async def test_started_later_and_ended_alone() -> None:
    supervisor = _supervisor()
    first, later = _Part(lambda ctx: ctx.stopped()), _Part(lambda ctx: ctx.stopped())
    later.name = "later"
    task = asyncio.ensure_future(supervisor.run(first))
    await _until(lambda: first.runs == 1)
    supervisor.start(later)
    await _until(lambda: later.runs == 1)
    await supervisor.end("later")
    assert [status.name for status in supervisor.statuses()] == ["part"]
    supervisor.stop()
    await asyncio.wait_for(task, 10)


def test_backoff_doubles_to_its_cap_and_starts_over_after_a_healthy_run() -> None:
    backoff = Backoff(first_s=1, cap_s=4, healthy_s=60, chance=lambda: 1.0)
    assert [backoff.next_wait_s() for _ in range(4)] == [1, 2, 4, 4]
    assert backoff.next_wait_s(ran_s=61) == 1


def test_backoff_waits_half_a_step_at_least_unless_told_less() -> None:
    assert Backoff(first_s=8, chance=lambda: 0.0).next_wait_s() == 4
    assert Backoff(first_s=8, least=0.0, chance=lambda: 0.0).next_wait_s() == 0
    assert Backoff(first_s=8, least=0.0, chance=lambda: 1.0).next_wait_s() == 8
