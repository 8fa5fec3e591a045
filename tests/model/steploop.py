"""An event loop with time of its own: nothing sleeps, and a process in it can be killed at any await."""

from __future__ import annotations

import asyncio
import contextvars
import selectors
from collections import deque
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any

_PROCESS: contextvars.ContextVar[Process | None] = contextvars.ContextVar("process", default=None)


class Process:
    """All tasks that began in it. Killed, none of them has any effect any more: not on disks, not on the wire."""

    def __init__(self, loop: StepLoop, name: str) -> None:
        self.name = name
        self.alive = True
        self._loop = loop
        self._tasks: list[asyncio.Task[Any]] = []
        self._at_death: list[Callable[[], None]] = []

    @staticmethod
    def here() -> Process | None:
        return _PROCESS.get()

    def start(self, main: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        context = contextvars.copy_context()
        context.run(_PROCESS.set, self)
        return self._loop.create_task(main, context=context)

    def joined(self, task: asyncio.Task[Any]) -> None:
        self._tasks.append(task)

    def at_death(self, what: Callable[[], None]) -> None:
        """What the kernel does for a process that is gone: close its sockets."""
        self._at_death.append(what)

    def kill(self) -> None:
        self.alive = False
        for what in self._at_death:
            what()
        while pending := [task for task in self._tasks if not task.done()]:
            for task in pending:
                task.cancel()
            self._loop.steps(1)
        for task in self._tasks:
            if not task.cancelled():
                task.exception()  # of a dead process: nobody hears it


class StepLoop(asyncio.SelectorEventLoop):
    """`advance` lets time pass at once; `steps` only lets what is ready go on by so many rounds."""

    def __init__(self, start_s: float = 1000.0) -> None:
        self.now_s = start_s
        super().__init__(_NoWait(self))
        self.set_task_factory(_in_process)

    def time(self) -> float:
        return self.now_s

    def advance(self, seconds: float) -> None:
        self.run_until_complete(asyncio.sleep(seconds))

    def steps(self, count: int) -> None:
        for _ in range(count):
            self.call_soon(self.stop)
            self.run_forever()

    def run_in_executor(  # type: ignore[override]
        self, executor: Any, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        return asyncio.wrap_future(StepExecutor().submit(func, *args), loop=self)


class StepExecutor:
    """A pool whose one thread is the loop: each piece of work a round later, so wholly before a kill or not at all."""

    def __init__(self, **how: object) -> None:
        pass

    def submit(self, work: Callable[..., Any], *args: Any) -> Future[Any]:
        done: Future[Any] = Future()
        asyncio.get_running_loop().call_soon(_do, done, work, args)
        return done

    def shutdown(self, wait: bool = True) -> None:
        pass


class StepWorkers:
    """Stands in for edge.link.workers.Workers: one job at a time. One that has begun goes on, whoever stops waiting."""

    def __init__(self, *, threads: int) -> None:
        self._jobs: deque[tuple[Future[Any], Callable[[], Any]]] = deque()
        self._busy = False

    def queue(self) -> StepWorkers:
        return self

    def submit(self, job: Callable[[], Any]) -> Future[Any]:
        done: Future[Any] = Future()
        self._jobs.append((done, job))
        if not self._busy:
            self._busy = True
            asyncio.get_running_loop().call_soon(self._begin)
        return done

    def close(self) -> None:
        pass

    def _begin(self) -> None:
        loop = asyncio.get_running_loop()
        done, job = self._jobs.popleft()
        if done.set_running_or_notify_cancel():
            loop.call_soon(loop.call_soon, self._end, done, job)
        else:
            self._next()

    def _end(self, done: Future[Any], job: Callable[[], Any]) -> None:
        try:
            done.set_result(job())
        except Exception as error:
            done.set_exception(error)
        self._next()

    def _next(self) -> None:
        self._busy = bool(self._jobs)
        if self._busy:
            asyncio.get_running_loop().call_soon(self._begin)


class _NoWait(selectors.SelectSelector):
    """Where others would wait, time is moved on."""

    def __init__(self, loop: StepLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise AssertionError("everything waits for something that never comes")
        self._loop.now_s += max(timeout, 0)
        return super().select(0)


def _in_process(loop: asyncio.AbstractEventLoop, coroutine: Any, context: Any = None) -> asyncio.Task[Any]:
    task: asyncio.Task[Any] = asyncio.Task(coroutine, loop=loop, context=context)
    process = context.get(_PROCESS) if context is not None else Process.here()
    if process is not None:
        process.joined(task)
    return task


def _do(done: Future[Any], work: Callable[..., Any], args: tuple[Any, ...]) -> None:
    if not done.set_running_or_notify_cancel():
        return
    try:
        done.set_result(work(*args))
    except Exception as error:
        done.set_exception(error)
