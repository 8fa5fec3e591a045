"""From a message on `cmd` to its result on `res`: checked, journalled, run once."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from dataclasses import dataclass

from edge.link import journal, outbox
from edge.link import store as numbers
from edge.link.acceptance import Accepted, Memory, examine, remember
from edge.link.engine import Message
from edge.link.envelope import Order
from edge.link.letters import ClockWord, Scribe
from edge.link.outbox import Outbox
from edge.link.refusals import Refusals
from edge.link.signatures import Keyring, Refused, Situation
from edge.link.state import Revision
from edge.link.store import Store
from edge.model.command import Command, Lane, Result, ResultState
from edge.ports import Clock
from edge.runtime.command_bus import CommandBus

_LOG = logging.getLogger(__name__)
_LANE_ROOM = 64
_PRUNE_EVERY = 256
_FLOOR_EVERY_MS = 600_000
_SECURITY = frozenset(
    (
        *("retained", "too_large", "malformed"),
        *("unknown_key", "key_expired", "forbidden", "bad_signature", "wrong_box", "stale_desired", "rev_conflict"),
    )
)


@dataclass(frozen=True, slots=True)
class _Admission:
    """What the journal said: a known command, a refusal, or neither: accepted."""

    known: journal.Known | None = None
    refused: Refused | None = None


class Intake:
    """`take` returns when what it decided is on disk: only then is the message acknowledged."""

    def __init__(
        self,
        *,
        box: str,
        bus: CommandBus,
        keyring: Keyring,
        store: Store,
        outbox: Outbox,
        scribe: Scribe,
        clock: Clock,
        clock_word: ClockWord,
        refusals: Refusals,
        revision: Revision,
    ) -> None:
        self._box = box
        self._bus = bus
        self._keyring = keyring
        self._store = store
        self._outbox = outbox
        self._scribe = scribe
        self._clock = clock
        self._clock_word = clock_word
        self._refusals = refusals
        self._revision = revision
        self._lanes: dict[Lane, asyncio.Queue[Accepted]] = {lane: asyncio.Queue() for lane in Lane}
        self._busy = dict.fromkeys(Lane, False)
        self._written = {lane: asyncio.Event() for lane in Lane}
        self._taken = 0
        self._floor_ms = 0
        self._floor_kept_ms = 0
        self.chal = ""

    async def recover(self) -> None:
        """What an earlier process left without a result becomes `interrupted`, never a second run."""
        await self._store.run(self._interrupt)
        self._floor_ms = self._floor_kept_ms = await self._store.run(lambda db: numbers.number(db, "synced_ms"))

    async def take(self, message: Message) -> None:
        """Judge one message. Never raises because of its content."""
        if message.retain:
            if message.payload:  # an empty one only clears what was retained
                await self.refuse(Refused("retained", "a command may not be retained"))
            return
        verdict = examine(message.payload, keyring=self._keyring, situation=self.situation(), judge=self._bus.is_grave)
        if isinstance(verdict, Refused):
            await self.refuse(verdict)
        else:
            await self._admit(verdict)

    async def work(self) -> None:
        """Run what was accepted: lane by lane, in order of arrival, until cancelled."""
        async with asyncio.TaskGroup() as group:
            for lane in Lane:
                group.create_task(self._work_lane(lane), name=f"lane {lane}")

    async def written(self, lane: Lane) -> None:
        """Wait until the result of what the lane runs now is on disk; nothing to wait for when it is idle."""
        if self._busy[lane]:
            await self._written[lane].wait()

    async def refuse(self, refused: Refused) -> None:
        """Count what was not taken; answer where there is somebody to answer; an event now and then."""
        now_ns = self._clock.mono_ns()
        letters = []
        counts = self._refusals.note(refused.code, now_ns=now_ns) if refused.code in _SECURITY else None
        if counts is not None:
            _LOG.warning("commands refused: %s", counts)
            facts = {"counts": counts, "last": refused.code}
            letters.append(self._scribe.event("audit", "command.refused", sev=2, facts=facts))
        may_answer = self._refusals.may_repeat if refused.signed else self._refusals.may_answer
        if refused.id is not None and may_answer(now_ns=now_ns):
            result = Result(refused.id, ResultState.REJECTED, refused.code, refused.detail)
            letters.append(self._scribe.result(result, op=refused.op))
        if letters:
            await self._store.run(lambda db: [outbox.append(db, letter) for letter in letters])
            self._outbox.wake()

    def situation(self) -> Situation:
        now_ms = self._clock.utc_ns() // 1_000_000
        synchronised = self._clock_word.word() == "sync"
        if synchronised:
            self._floor_ms = max(self._floor_ms, now_ms)
        return Situation(
            box=self._box,
            now_ms=now_ms,
            clock_synchronised=synchronised,
            chal=self.chal,
            floor_ms=self._floor_ms,
        )

    async def keep_time(self) -> None:
        """Remember what time it has certainly been, for a start without a clock; now and then is enough."""
        floor_ms = self.situation().floor_ms
        if floor_ms - self._floor_kept_ms >= _FLOOR_EVERY_MS:
            await self._store.run(lambda db: numbers.set_number(db, "synced_ms", floor_ms))
            self._floor_kept_ms = floor_ms

    async def note(self, code: str, detail: str) -> None:
        """Count something dropped that was no command."""
        await self.refuse(Refused(code, detail))

    async def _admit(self, accepted: Accepted) -> None:
        # a connection that ends now must not come between the journal and the lane
        admission = await asyncio.shield(self._enter(accepted))
        if admission.refused is not None:
            await self.refuse(admission.refused)
        elif admission.known is not None:
            await self._repeat(admission.known)

    async def _enter(self, accepted: Accepted) -> _Admission:
        """Into the journal and, if it is to run, into its lane."""
        order, kid = accepted.order, accepted.kid
        lane = self._bus.lane_of(order.op)
        full = self._lanes[lane].qsize() >= _LANE_ROOM
        knows = self._bus.knows(order.op)
        admission = await self._store.run(lambda db: self._decide(db, order, kid, lane, knows, full))
        if admission == _Admission():
            self._lanes[lane].put_nowait(accepted)
            self._outbox.wake()
        return admission

    async def _repeat(self, known: journal.Known) -> None:
        """What became of a command that came again, unless somebody replays it over and over."""
        if self._refusals.may_repeat(now_ns=self._clock.mono_ns()):
            result = known.result or Result(known.id, ResultState.RUNNING)
            await self._store.run(lambda db: outbox.append(db, self._scribe.result(result, op=known.op)))
            self._outbox.wake()

    def _decide(
        self, db: sqlite3.Connection, order: Order, kid: str, lane: Lane, knows: bool, full: bool
    ) -> _Admission:
        """In the store's thread: duplicate, refused, or accepted for good."""
        known = journal.find(db, order.id)
        if known is not None:
            return _Admission(known=known)
        memory = Memory(
            last_ctr=journal.last_ctr(db, kid, lane),
            rev_first=self._revision.first,
            rev_last=self._revision.last,
            knows_op=knows,
            lane_full=full,
        )
        refused = self._too_late(order) or remember(order, memory)
        if refused is None:
            self._write_accepted(db, order, kid, lane)
        return _Admission(refused=refused)

    def _too_late(self, order: Order) -> Refused | None:
        """It was fresh when it came, but the disk may have had no room for it for hours."""
        if self._clock_word.word() != "sync" or self._clock.utc_ns() // 1_000_000 <= order.exp_ms:
            return None
        return Refused("expired", "the command is no longer valid", order.id, order.op, signed=True)

    def _write_accepted(self, db: sqlite3.Connection, order: Order, kid: str, lane: Lane) -> None:
        now_ms = self._clock.utc_ns() // 1_000_000
        journal.accept(db, order, kid=kid, lane=lane, at_ms=now_ms)
        outbox.append(db, self._scribe.result(Result(order.id, ResultState.ACCEPTED), op=order.op))
        self._taken += 1
        if self._taken % _PRUNE_EVERY == 0:
            journal.prune(db, now_ms=now_ms)

    async def _work_lane(self, lane: Lane) -> None:
        while True:
            accepted = await self._lanes[lane].get()
            self._busy[lane] = True
            self._written[lane].clear()
            order, kid = accepted.order, accepted.kid
            by = f"{kid}:{order.by}"
            command = Command(order.id, order.op, order.args, by=by, present=accepted.present, kid=kid)
            result = await self._bus.submit(command)
            _LOG.info("%s from %s: %s %s", order.op, kid, result.st, result.code)
            await self._store.run(lambda db, r=result, op=order.op: self._finish(db, r, op))  # type: ignore[misc]
            self._outbox.wake()
            self._busy[lane] = False
            self._written[lane].set()

    def _finish(self, db: sqlite3.Connection, result: Result, op: str) -> None:
        journal.finish(db, result)
        outbox.append(db, self._scribe.result(result, op=op))

    def _interrupt(self, db: sqlite3.Connection) -> None:
        for op, result in journal.interrupt_unfinished(db):
            outbox.append(db, self._scribe.result(result, op=op))
        journal.prune(db, now_ms=self._clock.utc_ns() // 1_000_000)
