"""What Ctrl-C does, whatever callback it falls into."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

from edge.runtime.interruptible import run_interruptible


async def _raise_signal() -> None:
    os.kill(os.getpid(), signal.SIGINT)
    await asyncio.sleep(10)


def test_a_result_is_given_back() -> None:
    assert run_interruptible(asyncio.sleep(0, "done")) == "done"


def test_interrupt_cancels_and_lets_it_clean_up() -> None:
    cleaned = []

    async def main() -> None:
        try:
            await _raise_signal()
        finally:
            await asyncio.sleep(0)
            cleaned.append(True)

    with pytest.raises(KeyboardInterrupt):
        run_interruptible(main())
    assert cleaned == [True]


def test_a_cancellation_of_its_own_is_no_interrupt() -> None:
    async def main() -> None:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        run_interruptible(main())


def test_interrupt_inside_a_callback_waits_for_its_end() -> None:
    """Where `asyncio.run` logs InvalidStateError: between the question whether a future is done and its result."""
    complaints: list[object] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: complaints.append(context))
        future: asyncio.Future[None] = loop.create_future()

        def complete() -> None:
            if not future.done():
                os.kill(os.getpid(), signal.SIGINT)
                future.set_result(None)

        loop.call_soon(complete)
        await future
        await asyncio.sleep(10)

    with pytest.raises(KeyboardInterrupt):
        run_interruptible(main())
    assert complaints == []


def test_the_handler_that_was_there_is_there_again() -> None:
    before = signal.getsignal(signal.SIGINT)
    run_interruptible(asyncio.sleep(0))
    assert signal.getsignal(signal.SIGINT) is before
