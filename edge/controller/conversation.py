"""Says one command to one box until there is its final result."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from typing import Protocol

from edge.controller.commands import Written
from edge.controller.exchange import Exchange, Verdict
from edge.controller.fleet import BoxView
from edge.controller.orders import Wish
from edge.model.command import Result
from edge.model.errors import Forbidden, PeerGone, TimedOut

REPEAT_S = 5.0
_MOST_REPEAT_S = 60.0
_RETRY_S = 0.2
_NEWS_S = 3.0
_FAILURE_FROM = 0x80
_BUSY_S = (0.3, 1.0, 3.0)
Answer = tuple[Result, tuple[str, int]]
Puback = asyncio.Future[int]


class Line(Protocol):
    """What a conversation needs of the controller. Both raise PeerGone without a broker."""

    def view(self, box: str) -> BoxView: ...
    async def news(self) -> None: ...
    async def order(self, box: str, wish: Wish, *, challenged: bool, leap: bool) -> tuple[Written, Puback]: ...
    async def repeat(self, box: str, written: Written) -> Puback: ...


class Conversation:
    """Used once. `answers` is where results of this id are put, in order of arrival, each with its place.

    Repeats the same bytes when nobody answers or the box is busy, and signs anew under the same id when the
    box could not take the old: at most once it runs, whatever is lost on the way.
    """

    def __init__(
        self, *, line: Line, box: str, wish: Wish, answers: asyncio.Queue[Answer], repeat_s: float = REPEAT_S
    ) -> None:
        self._line = line
        self._box = box
        self._wish = wish
        self._answers = answers
        self._repeat_s = repeat_s
        self._busy = 0
        self._lost = False

    async def final(self, written: Written | None, *, timeout_s: float) -> Result:
        """`written`: what an earlier process said. Raises PeerGone at once without a broker, TimedOut, Forbidden."""
        exchange = Exchange(doubt=written is not None)
        rejected: Result | None = None
        try:
            async with asyncio.timeout(timeout_s):
                written = await self._begin(written)
                while True:
                    result, place = await self._next_answer(written, exchange)
                    verdict = exchange.take(result, place, had_chal=written.chal is not None)
                    if verdict is Verdict.FINAL:
                        return result
                    if verdict is not Verdict.WAIT:
                        rejected = result
                        written = await self._once_more(written, result, anew=verdict is Verdict.RENEW)
        except TimeoutError:
            if rejected is not None and not exchange.doubt:
                return rejected
            word = " finally (it was accepted)" if exchange.accepted else ""
            what = f"{self._box} did not answer {self._wish.op}{word} within {timeout_s:g} s"
            raise TimedOut(what) from None

    async def _begin(self, written: Written | None) -> Written:
        if written is None or written.exp_ms < time.time() * 1000:
            return await self._order(challenged=False, leap=False)
        await self._taken(await self._line.repeat(self._box, written))
        return written

    async def _once_more(self, written: Written, why: Result, *, anew: bool) -> Written:
        if not anew:
            await self._wait_a_little()
            await self._repeat(written)
            return written
        challenged = why.code == "challenge_needed"
        if challenged and written.chal is not None:
            await self._newer_chal(written.chal)
        while True:
            with contextlib.suppress(PeerGone):
                return await self._order(challenged=challenged, leap=why.code == "stale")
            await asyncio.sleep(_RETRY_S)

    async def _order(self, *, challenged: bool, leap: bool) -> Written:
        written, acked = await self._line.order(self._box, self._wish, challenged=challenged, leap=leap)
        await self._taken(acked)
        return written

    async def _repeat(self, written: Written) -> None:
        self._lost = True
        with contextlib.suppress(PeerGone):
            await self._taken(await self._line.repeat(self._box, written))

    async def _taken(self, acked: Puback) -> None:
        """Notes when no PUBACK came: it may not have reached the broker. Raises Forbidden."""
        self._lost = True
        with contextlib.suppress(PeerGone, TimeoutError):
            async with asyncio.timeout(self._repeat_s):
                reason = await asyncio.shield(acked)
            if reason >= _FAILURE_FROM:
                raise Forbidden("the broker does not let us command this box", code="broker_refuses")
            self._lost = False

    async def _next_answer(self, written: Written, exchange: Exchange) -> Answer:
        patience_s = self._repeat_s
        while True:
            try:
                async with asyncio.timeout(_RETRY_S if self._lost else patience_s):
                    return await self._answers.get()
            except TimeoutError:
                exchange.doubt = True
            if not self._lost:
                patience_s = min(_MOST_REPEAT_S, patience_s * 2)
            await self._repeat(written)

    async def _newer_chal(self, chal: str) -> None:
        """The box has connected anew, its presence may still be on the way."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_NEWS_S):
                while self._line.view(self._box).chal == chal:
                    await self._line.news()

    async def _wait_a_little(self) -> None:
        step_s = _BUSY_S[min(self._busy, len(_BUSY_S) - 1)]
        self._busy += 1
        await asyncio.sleep(step_s * random.uniform(0.5, 1.0))  # noqa: S311
