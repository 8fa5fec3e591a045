"""Answers that stay open: counted, so that they are few, and ended together at shutdown."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from edge.model.errors import Unavailable


class OpenStreams:
    """Event loop only. `close` ends every open stream; `reopen` lets new ones in again."""

    def __init__(self, *, limit: int = 16) -> None:
        self._limit = limit
        self._closing = asyncio.Event()
        self.count = 0

    def check(self) -> None:
        """Raises Unavailable `too_many_streams`, or `closing` while the server goes down."""
        if self._closing.is_set():
            raise Unavailable("the box's web server is going down", code="closing")
        if self.count >= self._limit:
            raise Unavailable(f"{self._limit} streams are open already", code="too_many_streams")

    @contextmanager
    def held(self) -> Iterator[None]:
        self.count += 1
        try:
            yield
        finally:
            self.count -= 1

    def close(self) -> None:
        self._closing.set()

    def reopen(self) -> None:
        self._closing.clear()

    async def closing(self) -> None:
        """Wait until `close`."""
        await self._closing.wait()
