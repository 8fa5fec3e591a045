"""A few boxes of links alone, that all trust one controller's home, and `edgectl` as a person types it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from pathlib import Path

from edge.app.key_operations import KeyOperations
from edge.controller.local import trust_local
from edge.link.desired import Applier
from tests.mqtt_box import LinkBox, ToldClock

REPOSITORY = Path(__file__).parents[1]


async def begin_edgectl(home: Path, *words: str) -> Process:
    environment = {**os.environ, "EDGECTL_HOME": str(home), "COLUMNS": "160"}
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "edge.controller.cli", *words),
        cwd=REPOSITORY,
        env=environment,
        stdout=PIPE,
        stderr=PIPE,
    )


async def edgectl(home: Path, *words: str) -> tuple[int, str, str]:
    """(exit code, stdout, stderr)."""
    process = await begin_edgectl(home, *words)
    out, err = await asyncio.wait_for(process.communicate(), 40)
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def lines_until(process: Process, word: str) -> list[str]:
    """Its output up to the first line with that word in it."""
    assert process.stdout is not None
    lines: list[str] = []
    async with asyncio.timeout(30):
        while not lines or word not in lines[-1]:
            line = (await process.stdout.readline()).decode()
            assert line, f"it ended before it said {word}: {lines}"
            lines.append(line.rstrip("\n"))
    return lines


def trusting_box(port: int, state_dir: Path, home: Path, *, desired: Applier | None = None) -> LinkBox:
    """A box that believes the home's key, and has the operations on keys."""
    box = LinkBox(port=port, state_dir=state_dir, clock=ToldClock(), desired=desired)
    trust_local(home=home, keyring=box.keyring, box=box.id, broker=("127.0.0.1", port))
    KeyOperations(keyring=box.keyring, box=box.id, dated_s=box.link.dated_s, audit=box.link.audit).register(box.bus)
    return box


@contextlib.asynccontextmanager
async def fleet(port: int, folder: Path, count: int) -> AsyncIterator[tuple[list[LinkBox], Path]]:
    """Running boxes in the order of their ids, and the controller's home."""
    home = folder / "home"
    boxes = sorted((trusting_box(port, folder / f"box{n}", home) for n in range(count)), key=lambda box: box.id)
    async with contextlib.AsyncExitStack() as stack:
        for box in boxes:
            await stack.enter_async_context(box.running())
        yield boxes, home
