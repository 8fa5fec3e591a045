"""A Component is what can fail: it runs until asked to stop; raising is failure."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any, Protocol


class Context:
    """What the supervisor hands to a running component. All methods are thread-safe."""

    def __init__(self, *, now_ns: Callable[[], int] = time.monotonic_ns) -> None:
        self._now_ns = now_ns
        self._stop = threading.Event()
        self._stop_awaited = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self.started_ns = now_ns()
        self.progress_ns = self.started_ns
        self.is_ready = False

    @property
    def stopping(self) -> bool:
        return self._stop.is_set()

    def ready(self) -> None:
        self.is_ready = True
        self.progress()

    def progress(self) -> None:
        """Call once per unit of real work; the lack of it is a stall."""
        self.progress_ns = self._now_ns()

    def ask_to_stop(self) -> None:
        self._stop.set()
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                self._loop.call_soon_threadsafe(self._stop_awaited.set)

    async def stopped(self) -> None:
        """Wait until asked to stop."""
        self._loop = asyncio.get_running_loop()
        if not self._stop.is_set():
            await self._stop_awaited.wait()

    async def until_stopped(self, work: Coroutine[Any, Any, None]) -> None:
        """Run `work` until it ends or we are asked to stop; its error is raised here."""
        task = asyncio.ensure_future(work)
        stop = asyncio.ensure_future(self.stopped())
        try:
            await asyncio.wait({task, stop}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stop.cancel()
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    def sleep(self, seconds: float) -> bool:
        """Blocking wait of a thread; True when asked to stop meanwhile."""
        return self._stop.wait(seconds)


class Component(Protocol):
    """`stall_s`: no progress for that long is a failure; None when idling is its work."""

    @property
    def name(self) -> str: ...
    @property
    def critical(self) -> bool: ...
    @property
    def stall_s(self) -> float | None: ...
    async def run(self, ctx: Context) -> None: ...


class Threaded:
    """A component whose work is one blocking function in a thread of its own."""

    def __init__(
        self,
        name: str,
        work: Callable[[Context], None],
        *,
        critical: bool = False,
        stall_s: float | None = None,
    ) -> None:
        self.name = name
        self.critical = critical
        self.stall_s = stall_s
        self._work = work

    async def run(self, ctx: Context) -> None:
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        threading.Thread(target=self._body, args=(ctx, loop, done), name=self.name, daemon=True).start()
        try:
            await asyncio.shield(done)
        finally:
            ctx.ask_to_stop()

    def _body(self, ctx: Context, loop: asyncio.AbstractEventLoop, done: asyncio.Future[None]) -> None:
        error: BaseException | None = None
        try:
            self._work(ctx)
        except BaseException as caught:  # handed to the supervisor, which alone judges it
            error = caught
        with contextlib.suppress(RuntimeError):  # the loop is closed: the process is on its way out
            loop.call_soon_threadsafe(_settle, done, error)


def _settle(done: asyncio.Future[None], error: BaseException | None) -> None:
    if done.done():
        return
    if error is None:
        done.set_result(None)
    else:
        done.set_exception(error)
