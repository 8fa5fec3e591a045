"""The media process's local socket, answered by a test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from edge.runtime.component import Component, Context
from edge.runtime.ipc import Answer, IpcClient, IpcServer


@asynccontextmanager
async def media_answering(folder: Path, answers: Mapping[str, Answer]) -> AsyncIterator[IpcClient]:
    """A client that is connected to a server giving those answers; `folder` has a short path."""
    path = folder / "media.sock"
    client = IpcClient(name="media", path=path, retry_s=0.01)
    parts: tuple[Component, ...] = (IpcServer(name="media", path=path, answers=answers), client)
    contexts = [Context() for _ in parts]
    tasks = [asyncio.ensure_future(part.run(ctx)) for part, ctx in zip(parts, contexts, strict=True)]
    try:
        async with asyncio.timeout(10):
            while not client.connected:
                await asyncio.sleep(0.005)
        yield client
    finally:
        for ctx in contexts:
            ctx.ask_to_stop()
        await asyncio.wait_for(asyncio.gather(*tasks), 10)
