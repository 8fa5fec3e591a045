"""A store that waits for room: a full disk holds the link's work up, and loses nothing of it."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from edge.link.store import Store
from edge.link.workers import Workers
from edge.model.errors import Unavailable

_T = TypeVar("_T")
_AGAIN_S = 1.0
_PRIMARY = 0xFF  # of an extended result code (sqlite.org/rescode.html)
_MAY_PASS = frozenset((sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY))


class PatientStore(Store):
    """`run` tries again, once a second, for as long as the disk refuses; what is not on disk did not happen.

    `on_trouble` is told the error each time, and None once nothing waits any more. Other errors are raised as by Store.
    """

    def __init__(
        self,
        path: Path,
        *,
        workers: Workers | None = None,
        on_trouble: Callable[[Unavailable | None], None],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        super().__init__(path, workers=workers)
        self._on_trouble = on_trouble
        self._sleep = sleep
        self._waiting = 0

    async def run(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        try:
            return await super().run(work)
        except Unavailable as error:
            if not _may_pass(error.__cause__):
                raise
            self._on_trouble(error)
        self._waiting += 1
        try:
            return await self._insist(work)
        finally:
            self._waiting -= 1
            if not self._waiting:  # what is small may find room while what is large still waits
                self._on_trouble(None)

    async def _insist(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        while True:
            await self._sleep(_AGAIN_S)
            try:
                return await super().run(work)
            except Unavailable as error:
                if not _may_pass(error.__cause__):
                    raise
                self._on_trouble(error)


def _may_pass(cause: BaseException | None) -> bool:
    code = getattr(cause, "sqlite_errorcode", None)
    return isinstance(cause, OSError) or (isinstance(code, int) and code & _PRIMARY in _MAY_PASS)
