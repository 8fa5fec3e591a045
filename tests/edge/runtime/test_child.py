from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from edge.model.errors import Missing, Unavailable
from edge.runtime.child import Child
from edge.runtime.component import Context


async def test_child_that_ends_unasked_is_unavailable_with_its_code() -> None:
    child = Child(name="short", argv=lambda: (sys.executable, "-c", "raise SystemExit(3)"))
    with pytest.raises(Unavailable, match="exit code 3"):
        await child.run(Context())


async def test_missing_program_is_named() -> None:
    child = Child(name="none", argv=lambda: ("/no/such/program",))
    with pytest.raises(Missing, match="/no/such/program is not installed"):
        await child.run(Context())


async def test_child_that_ignores_the_wish_to_end_is_killed() -> None:
    stubborn = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(60)"
    child, ctx = Child(name="stubborn", argv=lambda: (sys.executable, "-c", stubborn)), Context()
    task = asyncio.ensure_future(child.run(ctx))
    async with asyncio.timeout(20):
        while child.pid is None:
            await asyncio.sleep(0.01)
        pid = child.pid
        await asyncio.sleep(0.5)
        ctx.ask_to_stop()
        await task
    assert not Path(f"/proc/{pid}").exists()


async def test_stop_ends_the_child() -> None:
    child, ctx = Child(name="long", argv=lambda: ("sleep", "60")), Context()
    task = asyncio.ensure_future(child.run(ctx))
    async with asyncio.timeout(10):
        while child.pid is None:
            await asyncio.sleep(0.01)
        ctx.ask_to_stop()
        await task
    assert child.pid is None
