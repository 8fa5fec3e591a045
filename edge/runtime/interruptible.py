"""A coroutine for a command line, which Ctrl-C ends."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def run_interruptible(main: Coroutine[Any, Any, T]) -> T:
    """`asyncio.run`, with SIGINT taken by the loop itself between two callbacks.

    `asyncio.run` alone (CPython 3.11, asyncio/runners.py) cancels from the signal handler, which may stand
    in the middle of a callback: a future that was just found not done is cancelled before its result is set,
    and InvalidStateError is logged in the face of whoever pressed Ctrl-C.

    Raises KeyboardInterrupt once `main` has ended by it.
    """
    interrupted = False

    async def body() -> T:
        task = asyncio.ensure_future(main)

        def interrupt() -> None:
            nonlocal interrupted
            interrupted = True
            task.cancel()

        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, interrupt)
        return await task

    try:
        return asyncio.run(body())
    except asyncio.CancelledError:
        if interrupted:
            raise KeyboardInterrupt from None
        raise
