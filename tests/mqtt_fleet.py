"""A few boxes of links alone, that all trust one controller's home, and `edgectl` as a person types it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

from edge.controller.local import trust_local
from edge.model.command import Lane
from edge.vault.keyring import parse_keyring
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


def trusting_box(port: int, state_dir: Path, home: Path, *, synced: bool = True) -> LinkBox:
    """A box that believes the home's key, and has `keys.set`."""
    box = LinkBox(port=port, state_dir=state_dir, clock=ToldClock(synced=synced))
    trust_local(home=home, keyring=box.keyring, box=box.id, broker=("127.0.0.1", port))
    if not box.bus.knows("keys.set"):
        box.bus.register("keys.set", Lane.SYSTEM, lambda args: _set_keys(box, args))
    if not box.bus.knows("keys.get"):
        box.bus.register("keys.get", Lane.SYSTEM, lambda args: _get_keys(box))
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


async def _set_keys(box: LinkBox, args: Mapping[str, Any]) -> Mapping[str, Any]:
    keys = parse_keyring(json.dumps({"v": 1, "keys": args["keys"]}).encode())
    before = box.keyring.keys()
    for key in before:
        box.keyring.remove(key.kid)
    for key in keys:
        box.keyring.add(key)
    return {"keys": [key.kid for key in keys]}


async def _get_keys(box: LinkBox) -> Mapping[str, Any]:
    known = box.keyring.keys()
    return {"keys": [{"kid": key.kid} for key in known]}
