"""Where the link connects to; it may be sent elsewhere while it runs."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import Any

from edge.link.engine import Broker
from edge.model.errors import Busy, EdgeError, PeerGone, TimedOut

_TRIAL_S = 20.0
MOVED = "route_changed"


class Route:
    """The link reads `broker`, and says `reached` or `failed`; others `move` it. Event loop only.

    `own`: it is the box's own broker on this machine, which no other box shares.
    """

    def __init__(self, broker: Broker, *, own: bool = False) -> None:
        self.broker = broker
        self.own = own
        self._changed = asyncio.Event()
        self._trial: asyncio.Future[None] | None = None

    def move(self, broker: Broker, *, own: bool = False) -> None:
        """The link leaves where it is and connects there; nothing that waits to be sent is lost."""
        self.broker, self.own = broker, own
        self.leave()

    def leave(self) -> None:
        """The link looks anew where it should be."""
        self._changed.set()

    async def attempt(self, broker: Broker, *, timeout_s: float = _TRIAL_S) -> None:
        """Move there and stay, once the link is online there; else raises why not, and is back where it was.

        Raises Busy while another attempt runs, TimedOut, else what the link met.
        """
        if self._trial is not None:
            raise Busy("another broker is being tried")
        before, before_own = self.broker, self.own
        self._trial = trial = asyncio.get_running_loop().create_future()
        self.move(broker)
        try:
            async with asyncio.timeout(timeout_s):
                await trial
        except BaseException as error:
            self.move(before, own=before_own)
            if isinstance(error, TimeoutError):
                raise TimedOut(f"the broker {broker.where} did not answer within {timeout_s:g} s") from None
            raise
        finally:
            self._trial = None

    def arrived(self) -> bool:
        """For the link: whether it was moved since it last asked."""
        changed = self._changed.is_set()
        self._changed.clear()
        return changed

    def reached(self) -> None:
        """For the link: it is online where it was sent."""
        if self._trial is not None and not self._trial.done() and not self._changed.is_set():
            self._trial.set_result(None)

    def failed(self, error: EdgeError) -> None:
        """For the link: it did not get there, or was thrown out."""
        if self._trial is not None and not self._trial.done() and not self._changed.is_set():
            self._trial.set_exception(error)

    async def stay(self, connection: Coroutine[Any, Any, None]) -> None:
        """For the link: run that connection until it ends; raises PeerGone `route_changed` when moved meanwhile."""
        running = asyncio.ensure_future(connection)
        moving = asyncio.ensure_future(self._changed.wait())
        try:
            await asyncio.wait((running, moving), return_when=asyncio.FIRST_COMPLETED)
            if running.done():
                return running.result()
        finally:
            moving.cancel()
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError, EdgeError, BaseExceptionGroup):
                await running
        raise PeerGone("the link was sent to another broker", code=MOVED)

    async def rest(self, seconds: float) -> None:
        """For the link: wait so long, or until it is moved."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._changed.wait()
