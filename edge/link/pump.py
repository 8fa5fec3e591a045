"""Sends the outbox over one connection, in order, and sees each letter taken."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from edge.link.connack import PACKET_TOO_LARGE
from edge.link.outbox import Outbox, Posted
from edge.link.topics import MAX_INT

_LOG = logging.getLogger(__name__)
_BATCH = 16
_MAX_TRIES = 5
_FAILURE_FROM = 0x80


class Sends(Protocol):
    """What the pump needs of the engine."""

    async def publish(self, topic: str, payload: bytes) -> asyncio.Future[int]: ...


class Pump:
    """`position` is the last letter the broker took; it survives the connection, not the process.

    A letter refused 5 times, or once as too large, is passed over and `buried` is told its number.
    """

    def __init__(
        self,
        *,
        outbox: Outbox,
        topic_of: Callable[[str], str],
        buried: Callable[[int], None],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._outbox = outbox
        self._topic_of = topic_of
        self._buried = buried
        self._sleep = sleep
        self._rewound: list[int] = []
        self.position = 0

    def rewind(self, eseq: int) -> None:
        """Send again what comes after `eseq`."""
        self._rewound.append(eseq)
        self.position = min(self.position, eseq)
        self._outbox.wake()

    async def run(self, engine: Sends) -> None:
        """Until cancelled, or PeerGone when the connection ends."""
        tries = 0
        while True:
            self._rewound.clear()
            letters = await self._outbox.after(self.position, limit=_BATCH)
            if not letters:
                await self._outbox.news()
                continue
            refused = await self._send(engine, letters)
            if refused is None:
                tries = 0
                continue
            tries += 1
            if tries >= _MAX_TRIES or refused.reason == PACKET_TOO_LARGE:
                await self._bury(refused)
                tries = 0
            else:
                await self._sleep(2.0 ** (tries - 1))

    async def _send(self, engine: Sends, letters: list[Posted]) -> _Refused | None:
        """All of them in flight at once; the first refused one, after the answers to all."""
        answers = [await engine.publish(self._topic_of(letter.leaf), letter.body) for letter in letters]
        reasons = [await answer for answer in answers]
        refused = next((n for n, reason in enumerate(reasons) if reason >= _FAILURE_FROM), None)
        taken = letters[:refused]
        if taken:
            self.position = min(taken[-1].eseq, *self._rewound, MAX_INT)
        return None if refused is None else _Refused(letters[refused].eseq, reasons[refused])

    async def _bury(self, refused: _Refused) -> None:
        _LOG.error("the broker does not take letter %d (reason 0x%02x): put aside", refused.eseq, refused.reason)
        await self._outbox.bury(refused.eseq)
        self._buried(refused.eseq)


@dataclass(frozen=True, slots=True)
class _Refused:
    eseq: int
    reason: int
