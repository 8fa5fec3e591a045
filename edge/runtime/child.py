"""A child process as a component: restarted by the supervisor like any other."""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
from collections.abc import Callable, Mapping, Sequence

from edge.model.errors import Missing, Unavailable
from edge.runtime.component import Context

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_GRACE_S = 2.0  # less than the supervisor's, so that a child that will not end is killed here


class Child:
    """`argv` is made anew at each start, so that its error (a missing program) is seen and retried."""

    critical = False
    stall_s = None

    def __init__(self, *, name: str, argv: Callable[[], Sequence[str]], env: Mapping[str, str] | None = None) -> None:
        self.name = name
        self._argv = argv
        self._env = {**os.environ, **(env or {})}
        self._prctl = ctypes.CDLL(None).prctl  # loaded here: little may be done between fork and exec
        self.pid: int | None = None

    async def run(self, ctx: Context) -> None:
        """Raises Unavailable when the child ends unasked, Missing when its program is not there."""
        argv = self._argv()
        try:
            process = await asyncio.create_subprocess_exec(
                *argv, env=self._env, process_group=0, preexec_fn=self._tie_to_parent
            )
        except FileNotFoundError as error:
            raise Missing(f"program {argv[0]} is not installed", code="program_missing") from error
        self.pid = process.pid
        ctx.ready()
        try:
            await ctx.until_stopped(_wait(process))
        finally:
            self.pid = None
            await _end(process)
        if not ctx.stopping:
            raise Unavailable(f"process {process.pid} ended: {_describe(process.returncode)}", code="process_ended")

    def _tie_to_parent(self) -> None:
        """In the child: be told when the parent goes, however it goes."""
        self._prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


async def _wait(process: asyncio.subprocess.Process) -> None:
    await process.wait()


async def _end(process: asyncio.subprocess.Process) -> None:
    try:
        if process.returncode is None:
            process.terminate()
            async with asyncio.timeout(_GRACE_S):
                await process.wait()
    except (TimeoutError, ProcessLookupError):
        pass
    finally:
        if process.returncode is None:
            process.kill()
    await process.wait()


def _describe(code: int | None) -> str:
    if code is None:
        return "unknown"
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
