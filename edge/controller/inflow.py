"""Takes in the boxes' events for good: on disk first, then told and acknowledged; holes are asked for."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import re
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from edge.controller import events
from edge.controller.events import Arrival, Entry, Head
from edge.controller.follow import Follower, Step
from edge.controller.ledger import Ledger
from edge.link.topics import MAX_INT
from edge.model.command import Result
from edge.model.errors import EdgeError

_LOG = logging.getLogger(__name__)
_LOOK_S = 0.25
_ACK_EVERY_S = 1.0
_ASKING_AT_ONCE = 256
_EPOCH = re.compile(r"[A-Za-z0-9-]{1,64}")
Ask = Callable[[str, int], Awaitable[Result]]
Acknowledge = Callable[[str, bytes], Awaitable[None]]


def arrival(box: str, body: Mapping[str, Any], raw: bytes) -> Arrival | None:
    """Where a message of `evt` or `res` stands in its box's order; None when it does not say."""
    epoch, eseq = body.get("epoch"), body.get("eseq")
    if not isinstance(epoch, str) or not _EPOCH.fullmatch(epoch):
        return None
    if not isinstance(eseq, int) or isinstance(eseq, bool) or not 0 < eseq < MAX_INT:
        return None
    return Arrival(box, epoch, eseq, raw)


class Inflow:
    """`take` returns when everything is on disk; `run` keeps acknowledging and asking, until cancelled.

    `tell` hears each entry once, in each box's order, after it is on disk. `ask` sends `evt.resend` and
    gives its final result; `acknowledge` publishes. What they raise is tried again later.
    """

    def __init__(
        self,
        *,
        ledger: Ledger,
        tell: Callable[[Entry], None],
        ask: Ask,
        acknowledge: Acknowledge,
        online: Callable[[str], bool],
    ) -> None:
        self._ledger = ledger
        self._tell = tell
        self._ask = ask
        self._acknowledge = acknowledge
        self._online = online
        self._heads: dict[str, Head] = {}
        self._followers: dict[str, Follower] = {}
        self._unsaid: set[str] = set()
        self._aside: dict[tuple[str, str], int] = {}
        self._room = asyncio.Semaphore(_ASKING_AT_ONCE)

    async def open(self) -> None:
        """Where an earlier process stopped: all that is acknowledged once more."""
        self._note(await self._ledger.run(events.heads))

    def connected(self) -> None:
        """The connection is a new one: nothing said over the old one counts."""
        self._unsaid = set(self._heads)
        now_s = time.monotonic()
        for follower in self._followers.values():
            follower.lost_touch(now_s=now_s)

    def head(self, box: str) -> Head | None:
        """How far that box's order is on disk."""
        return self._heads.get(box)

    async def take(self, arrivals: Sequence[Arrival]) -> None:
        """Raises Unavailable when the disk refuses: then none of it is kept, nor acknowledged."""
        at_ms = time.time_ns() // 1_000_000
        boxes = {one.box for one in arrivals}
        released, found, reached = await self._ledger.run(
            lambda db: (
                [entry for one in arrivals for entry in events.take(db, one, at_ms=at_ms)],
                {box: events.head(db, box) for box in boxes},
                {(one.box, one.epoch): events.reached(db, one.box, one.epoch) for one in arrivals},
            )
        )
        self._note(found)
        # an epoch may only seem to be over: whoever holds the broker can begin one in a box's name
        self._aside |= {place: upto for place, upto in reached.items() if self._heads[place[0]].epoch != place[1]}
        for entry in released:
            self._tell(entry)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._acknowledge_on(), name="acknowledge")
            group.create_task(self._fill_holes(group), name="fill holes")

    def _note(self, found: Mapping[str, Head | None]) -> None:
        for box, head in found.items():
            if head is not None:
                self._heads[box] = head
                self._unsaid.add(box)  # also for a repeat: the box has not heard our acknowledgement
                if head.gap is not None:
                    self._followers.setdefault(box, Follower())

    async def _acknowledge_on(self) -> None:
        while True:
            due, self._unsaid = self._unsaid, set()
            aside, self._aside = self._aside, {}
            heads = {(box, self._heads[box].epoch): self._heads[box].upto for box in due}
            for (box, epoch), upto in (aside | heads).items():
                if upto:
                    try:
                        await self._acknowledge(box, json.dumps({"epoch": epoch, "eseq": upto}).encode())
                    except EdgeError:
                        self._unsaid.add(box)
            await asyncio.sleep(_ACK_EVERY_S)

    async def _fill_holes(self, group: asyncio.TaskGroup) -> None:
        while True:
            for box, follower in list(self._followers.items()):
                gap = self._heads[box].gap
                step = follower.step(gap, now_s=time.monotonic(), online=self._online(box))
                if step is Step.ASK and gap is not None:
                    group.create_task(self._ask_for(box, follower, gap.first), name=f"resend {box}")
                elif step is Step.GIVE_UP:
                    await self._give_up(box, follower)
                elif gap is None:
                    del self._followers[box]
            await asyncio.sleep(_LOOK_S)

    async def _ask_for(self, box: str, follower: Follower, first: int) -> None:
        async with self._room:
            try:
                result = await self._ask(box, first)
                follower.answered(result, now_s=time.monotonic())
            except EdgeError as error:
                _LOG.info("%s could not be asked for events from %d: %s", box, first, error)
                follower.failed(now_s=time.monotonic())

    async def _give_up(self, box: str, follower: Follower) -> None:
        at_ms = time.time_ns() // 1_000_000
        epoch, upto, reason = self._heads[box].epoch, follower.covered, follower.reason
        with contextlib.suppress(EdgeError):  # the disk refuses: at the next look
            released, head = await self._ledger.run(
                lambda db: (events.give_up(db, box, epoch, upto, reason=reason, at_ms=at_ms), events.head(db, box))
            )
            self._note({box: head})
            for entry in released:
                if entry.gap:
                    _LOG.warning("%s: events are lost: %s", box, entry.body["data"])
                self._tell(entry)
