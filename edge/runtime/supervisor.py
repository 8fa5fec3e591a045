"""Runs components, restarts them with back-off, treats no progress as failure, gives up loudly."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from edge.model.errors import EdgeError, Fault, Unavailable
from edge.model.status import ComponentState
from edge.runtime.backoff import Backoff
from edge.runtime.component import Component, Context
from edge.runtime.log import OutageLog

_LOG = logging.getLogger(__name__)
_INTENSITY = 5
_WINDOW_S = 60.0
_GRACE_S = 3.0


@dataclass(slots=True)
class _Watched:
    component: Component
    backoff: Backoff
    outage: OutageLog
    ending: asyncio.Event = field(default_factory=asyncio.Event)
    ctx: Context | None = None
    state: ComponentState = ComponentState.STARTING
    last_error: str = ""
    restarts: int = 0
    failed_at: deque[float] = field(default_factory=lambda: deque(maxlen=_INTENSITY))


@dataclass(frozen=True, slots=True)
class ComponentStatus:
    name: str
    state: ComponentState
    restarts: int
    last_error: str


def _exit_now() -> None:
    os._exit(70)  # EX_SOFTWARE: a stuck thread cannot be stopped from Python, a normal exit would join it


class Supervisor:
    """Use as `await run(components)`; returns after `stop()` once all have ended or the grace is over."""

    def __init__(
        self,
        *,
        exit_process: Callable[[], None] = _exit_now,
        backoff: Callable[[], Backoff] = Backoff,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._exit_process = exit_process
        self._backoff = backoff
        self._now_s = now_s
        self._watched: dict[str, _Watched] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._group: asyncio.TaskGroup | None = None
        self._stopping = asyncio.Event()

    async def run(self, *components: Component) -> None:
        """Keep these and whatever `start` adds, until `stop()`."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            for component in components:
                self.start(component)
            await self._stopping.wait()

    def start(self, component: Component) -> None:
        """Keep one more component; only while `run` runs."""
        if self._group is None:
            raise Fault(f"{component.name} started before its supervisor")
        self._tasks[component.name] = self._group.create_task(self.keep(component), name=component.name)

    async def end(self, name: str) -> None:
        """Stop one component for good; no error when it is not kept."""
        watched = self._watched.pop(name, None)
        task = self._tasks.pop(name, None)
        if watched is not None and task is not None:
            watched.ending.set()
            if watched.ctx is not None:
                watched.ctx.ask_to_stop()
            await asyncio.wait({task})

    def stop(self) -> None:
        self._stopping.set()
        for watched in self._watched.values():
            watched.ending.set()
            if watched.ctx is not None:
                watched.ctx.ask_to_stop()

    def statuses(self) -> tuple[ComponentStatus, ...]:
        return tuple(
            ComponentStatus(w.component.name, w.state, w.restarts, w.last_error) for w in self._watched.values()
        )

    async def keep(self, component: Component) -> None:
        """Run one component until `stop()`, whatever happens to it."""
        watched = _Watched(component, self._backoff(), OutageLog(_LOG, component.name))
        self._watched[component.name] = watched
        while not self._over(watched):
            started_s = self._now_s()
            error = await self._run_once(watched)
            if self._over(watched):
                break
            self._note(watched, error or Fault(f"{component.name} ended unasked"))
            await self._sleep(watched, watched.backoff.next_wait_s(ran_s=self._now_s() - started_s))
        watched.state = ComponentState.STOPPED

    def _over(self, watched: _Watched) -> bool:
        return self._stopping.is_set() or watched.ending.is_set()

    async def _run_once(self, watched: _Watched) -> Exception | None:
        ctx = watched.ctx = Context()
        watched.state = ComponentState.RUNNING
        task = asyncio.ensure_future(watched.component.run(ctx))
        ending = asyncio.ensure_future(watched.ending.wait())
        try:
            while not task.done() and not ending.done():
                await asyncio.wait({task, ending}, timeout=0.25, return_when=asyncio.FIRST_COMPLETED)
                if ctx.is_ready:
                    watched.outage.recovered()
                if self._stalled(watched.component, ctx):
                    return await self._end_stalled(task, watched)
            return await self._end(task, ctx)
        finally:
            ending.cancel()
            task.cancel()

    async def _end(self, task: asyncio.Future[None], ctx: Context) -> Exception | None:
        ctx.ask_to_stop()
        await asyncio.wait({task}, timeout=_GRACE_S)
        if not task.done() or task.cancelled():
            return None
        error = task.exception()
        return error if isinstance(error, Exception) else None

    async def _end_stalled(self, task: asyncio.Future[None], watched: _Watched) -> Exception:
        """A stalled thread that does not even stop when asked cannot be helped inside this process."""
        await self._end(task, watched.ctx or Context())
        if not task.done() and watched.component.critical:
            _LOG.critical("%s is stuck in a blocking call: leaving", watched.component.name)
            self._exit_process()
        return Unavailable(f"no progress for {watched.component.stall_s} s", code="stall")

    def _stalled(self, component: Component, ctx: Context) -> bool:
        if component.stall_s is None or not ctx.is_ready:
            return False
        return time.monotonic_ns() - ctx.progress_ns > component.stall_s * 1e9

    def _note(self, watched: _Watched, error: Exception) -> None:
        watched.restarts += 1
        watched.last_error = str(error) or type(error).__name__
        watched.state = ComponentState.WAITING if isinstance(error, Unavailable) else ComponentState.FAILED
        if isinstance(error, EdgeError) and not isinstance(error, Fault):
            watched.outage.failed(error)
        else:
            _LOG.error("%s failed, will be restarted", watched.component.name, exc_info=error)
        watched.failed_at.append(self._now_s())
        if watched.component.critical and self._too_often(watched):
            _LOG.critical("%s failed %d times in %d s: leaving", watched.component.name, _INTENSITY, int(_WINDOW_S))
            self._exit_process()

    def _too_often(self, watched: _Watched) -> bool:
        times = watched.failed_at
        return len(times) == _INTENSITY and times[-1] - times[0] <= _WINDOW_S

    async def _sleep(self, watched: _Watched, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await watched.ending.wait()
