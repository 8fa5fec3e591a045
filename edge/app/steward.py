"""Carries wishes to a process that obeys them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from edge.model.errors import EdgeError, PeerGone
from edge.runtime.component import Context

_LOG = logging.getLogger(__name__)
_AGAIN_S = 1.0


class Steward:
    """Component: tells one process everything that is wanted of it each time that `due` is called.

    Each process has its own, so that one which does not answer keeps no wish from the others.
    """

    critical = False
    stall_s = None

    def __init__(self, *, name: str, tell: Callable[[], Awaitable[object]], again_s: float = _AGAIN_S) -> None:
        self.name = name
        self._tell = tell
        self._again_s = again_s
        self._due = asyncio.Event()

    def due(self) -> None:
        """A wish changed, or the process has come back and must be told them all."""
        self._due.set()

    async def run(self, ctx: Context) -> None:
        ctx.ready()
        await ctx.until_stopped(self._serve())

    async def _serve(self) -> None:
        while True:
            await self._due.wait()
            self._due.clear()
            try:
                await self._tell()
            except PeerGone:
                pass  # it is told when it is back
            except EdgeError as error:
                _LOG.warning("%s: wishes not passed on yet: %s", self.name, error)
                await asyncio.sleep(self._again_s)
                self._due.set()
