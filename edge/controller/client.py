"""A controller in a program: commands out, answers and the fleet's state in."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import secrets
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any, Self

from edge.controller import commands
from edge.controller.commands import Known, Written
from edge.controller.conversation import Answer, Conversation, Puback
from edge.controller.counter import Counter
from edge.controller.events import Arrival, Entry, Head
from edge.controller.fleet import BoxView, Fleet
from edge.controller.home import Home
from edge.controller.inflow import Inflow, arrival
from edge.controller.ledger import Ledger
from edge.controller.orders import VALID_S, Wish, seal, write
from edge.link.engine import Broker, Engine, Message, Will
from edge.link.envelope import parse_envelope, parse_json_object
from edge.link.ids import uuid7
from edge.link.topics import DESIRED_TYPE, controller_topic, split, topic
from edge.model.command import Op, Result, ResultState
from edge.model.errors import Busy, EdgeError, Forbidden, Invalid, PeerGone, TimedOut
from edge.runtime.backoff import Backoff
from edge.runtime.log import OutageLog
from edge.vault.signing import Signer

_LOG = logging.getLogger(__name__)
_LINK_S = 3.0
_WINDOW = 256  # a whole fleet speaks to it: what arrives together is written to disk together
_STATE_S = 1.5
_RESEND_S = 600.0
_FAILURE_FROM = 0x80
_LEAVES = ("link", "state", "res", "tele/stream")


class Controller:
    """Use as `async with Controller(...) as controller`. Entering raises PeerGone, Forbidden when the
    broker is not to be had; later losses are mended by reconnecting.

    With `follow` it is the one to which boxes owe their events: each is on disk in `home` before it is
    acknowledged and told to `on_event`, once and in its box's order, and what is missing is asked for again.
    Without, it only asks and watches, and `on_event` hears what happens to come by. `boxes`: these only.
    """

    def __init__(
        self,
        *,
        broker: Broker,
        key: Signer,
        home: Home,
        name: str | None = None,
        follow: bool = False,
        by: str = "",
        boxes: Sequence[str] = ("+",),
        leaves: Sequence[str] = _LEAVES,
        on_event: Callable[[str, Mapping[str, Any]], None] = lambda box, event: None,
    ) -> None:
        self.fleet = Fleet()
        self.name = name or key.kid
        self._broker = broker
        self._key = key
        self._follow = follow
        self._by = by
        self._topics = tuple(topic(box, leaf) for box in boxes for leaf in (*leaves, *(("evt",) if follow else ())))
        self._on_event = on_event
        self._engine: Engine | None = None
        self._stack = AsyncExitStack()
        self._news = asyncio.Event()
        self._heard = asyncio.Event()
        self._waiting: dict[str, asyncio.Queue[Answer]] = {}
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._counter = Counter(home)
        self.ledger = Ledger(home.ledger_path)
        self._inflow = Inflow(
            ledger=self.ledger,
            tell=self._tell,
            ask=self._ask_again,
            acknowledge=self._acknowledge,
            online=lambda box: self._engine is not None and self.fleet.box(box).online,
        )

    async def __aenter__(self) -> Self:
        try:
            await self.ledger.open()
            self._stack.push_async_callback(self.ledger.close)
            if self._follow:
                now_ms = time.time_ns() // 1_000_000
                await self.ledger.run(lambda db: commands.prune(db, now_ms=now_ms))
                await self._inflow.open()
            engine = await self._connect()
        except BaseException:
            await self._stack.aclose()
            raise
        group = await self._stack.enter_async_context(asyncio.TaskGroup())
        tasks = [group.create_task(self._stay(engine), name="stay connected")]
        if self._follow:
            tasks.append(group.create_task(self._inflow.run(), name="inflow"))
        for task in tasks:
            self._stack.callback(task.cancel)
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._leave()
        await self._stack.aclose()

    @property
    def where(self) -> str:
        """The broker, for people."""
        return self._broker.where

    @property
    def connected(self) -> bool:
        return self._engine is not None

    async def changed(self) -> None:
        """Wait until any box said something since the last return."""
        await self._news.wait()
        self._news.clear()

    def taken(self, box: str) -> Head | None:
        """How far that box's events are on disk here, for one that follows."""
        return self._inflow.head(box)

    async def box(self, id: str, *, timeout_s: float = _LINK_S) -> BoxView:
        """What is known of a box, once it has said who it is. Raises TimedOut when it never did."""
        try:
            async with asyncio.timeout(timeout_s):
                while not (view := self.fleet.box(id)).link:
                    await self.news()
        except TimeoutError:
            raise TimedOut(f"{id} has never been seen at the broker {self.where}", code="box_unknown") from None
        return view

    async def reported(self, id: str, *, timeout_s: float = _STATE_S) -> BoxView:
        """What is known of a box, once it has reported its state; without it when that takes too long."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while not self.fleet.box(id).state:
                    await self.news()
        return self.fleet.box(id)

    async def send(
        self,
        box: str,
        op: str,
        args: Mapping[str, Any] | None = None,
        *,
        id: str | None = None,
        if_rev: int | None = None,
        timeout_s: float = 10.0,
        valid_s: int = VALID_S,
        key: Signer | None = None,
    ) -> Result:
        """One signed command and its final result, whatever that is.

        With an `id` of yours it is repeatable, by another process too: its bytes are on disk before they
        leave, and once it has a final result that one is given, without asking the box again.

        Raises PeerGone when box or broker is not there, TimedOut when no final answer came in time,
        Busy while that id is being sent here, Invalid `id_reused` when it was another command.
        """
        wish = Wish(
            id=id or uuid7(time.time_ns() // 1_000_000),
            op=op,
            args=args or {},
            by=self._by or self.name,
            key=key or self._key,
            if_rev=if_rev,
            valid_s=valid_s,
            durable=id is not None,
        )
        known = await self._recall(box, wish) if wish.durable else None
        if known is not None and known.result is not None:
            return known.result
        result = await self._converse(box, wish, known.written if known else None, timeout_s)
        return await self.ledger.run(lambda db: commands.finish(db, result)) if wish.durable else result

    async def desire(self, box: str, document: bytes, *, key: Signer | None = None) -> None:
        """Put a desired document's payload on its topic, signed and retained; the box need not be there.

        Raises PeerGone, Forbidden.
        """
        envelope = await seal(document, key or self._key, payload_type=DESIRED_TYPE)
        if await (await self._live().publish(topic(box, "desired"), envelope, retain=True)) >= _FAILURE_FROM:
            raise Forbidden("the broker does not let us say what this box should be", code="broker_refuses")

    # What a conversation needs of its line.

    def view(self, box: str) -> BoxView:
        return self.fleet.box(box)

    async def news(self) -> None:
        """Wait until something new has come in."""
        await self._heard.wait()
        self._heard.clear()

    async def order(self, box: str, wish: Wish, *, challenged: bool, leap: bool) -> tuple[Written, Puback]:
        """Counters go up in the order in which commands leave: one box's leave one at a time."""
        async with self._turns[box]:
            if leap:
                await self._counter.leap()
            written = await write(wish, self.view(box), self._counter, challenged=challenged)
            if wish.durable:
                await self.ledger.run(lambda db: commands.keep(db, written, box=box, op=wish.op, args=wish.args))
            return written, await self.repeat(box, written)

    async def repeat(self, box: str, written: Written) -> Puback:
        return await self._live().publish(topic(box, "cmd"), written.envelope)

    async def _converse(self, box: str, wish: Wish, written: Written | None, timeout_s: float) -> Result:
        if not (view := await self.box(box)).online:
            raise PeerGone(f"{box} is {view.link.get('state')}", code="box_offline")
        if wish.id in self._waiting:
            raise Busy(f"command {wish.id} is being sent already", code="already_sending")
        answers = self._waiting[wish.id] = asyncio.Queue()
        try:
            conversation = Conversation(line=self, box=box, wish=wish, answers=answers)
            return await conversation.final(written, timeout_s=timeout_s)
        finally:
            del self._waiting[wish.id]

    async def _recall(self, box: str, wish: Wish) -> Known | None:
        return await self.ledger.run(lambda db: commands.find(db, wish.id, box=box, op=wish.op, args=wish.args))

    def _live(self) -> Engine:
        if self._engine is None:
            raise PeerGone(f"not connected to the broker {self.where}")
        return self._engine

    async def _connect(self) -> Engine:
        presence = controller_topic(self.name)
        will = Will(presence, _presence("lost")) if self._follow else None
        client_id = f"{self.name}-{secrets.token_hex(4)}"
        engine = Engine(client_id=client_id, broker=self._broker, clean=True, will=will, receive_maximum=_WINDOW)
        try:
            await engine.connect()
            await engine.subscribe(*self._topics)
            if self._follow:
                self._inflow.connected()
                await engine.publish(presence, _presence("online"), retain=True)
        except BaseException:
            await engine.close()
            raise
        self._engine = engine
        return engine

    async def _stay(self, engine: Engine) -> None:
        backoff = Backoff()
        outage = OutageLog(_LOG, "controller")
        while True:
            started_s = time.monotonic()
            await self._read_until_lost(engine, outage)
            while True:
                await asyncio.sleep(backoff.next_wait_s(ran_s=time.monotonic() - started_s))
                with contextlib.suppress(EdgeError):
                    engine = await self._connect()
                    outage.recovered()
                    break

    async def _read_until_lost(self, engine: Engine, outage: OutageLog) -> None:
        """A disk that refuses ends the connection too: what was not kept must come again."""
        try:
            async with asyncio.TaskGroup() as group:
                reading = group.create_task(self._read(engine, group))
                outage.failed(await engine.lost())
                reading.cancel()
        except* EdgeError as refused:
            outage.failed(refused.exceptions[0])
        finally:
            self._engine = None
            self._news.set()
            await engine.close()

    async def _read(self, engine: Engine, group: asyncio.TaskGroup) -> None:
        """All that is there at once, so that one write to disk carries many; then it is the broker's no more."""
        while True:
            messages = [await engine.inbox.get(), *engine.arrived()]
            arrivals = [found for message in messages if (found := self._sort(message)) is not None]
            if arrivals:
                taking = group.create_task(self._inflow.take(arrivals))
                await asyncio.shield(taking)  # a lost connection must not come between disk and telling
            for message in messages:
                engine.acknowledge(message)

    def _sort(self, message: Message) -> Arrival | None:
        """What is to be kept for good of it."""
        name = split(message.topic)
        if name is None or name[0] == "_ctl":
            return None
        box, leaf = name
        try:
            body = _body(leaf, message.payload)
        except Invalid:
            return None
        if body.get("v") != 1:
            return None
        self.fleet.apply(box, leaf, body, now_s=time.monotonic())
        self._news.set()
        self._heard.set()
        found = arrival(box, body, message.payload) if leaf in ("res", "evt") else None
        if found is not None:
            self._answer(found, body)
            if not self._follow:
                self._on_event(box, body)
        return found if self._follow else None

    def _answer(self, found: Arrival, body: Mapping[str, Any]) -> None:
        result = result_of(body)
        if result is not None and result.id in self._waiting:
            self._waiting[result.id].put_nowait((result, (found.epoch, found.eseq)))

    def _tell(self, entry: Entry) -> None:
        self._on_event(entry.box, entry.body)

    async def _ask_again(self, box: str, start: int) -> Result:
        return await self.send(box, Op.EVT_RESEND, {"from": start}, timeout_s=_RESEND_S)

    async def _acknowledge(self, box: str, body: bytes) -> None:
        await self._live().publish(topic(box, "ack"), body)

    async def _leave(self) -> None:
        if self._engine is not None and self._follow:
            with contextlib.suppress(EdgeError, TimeoutError):
                async with asyncio.timeout(1.0):
                    payload = _presence("offline")
                    await (await self._engine.publish(controller_topic(self.name), payload, retain=True))


def _body(leaf: str, payload: bytes) -> Mapping[str, Any]:
    """Raises Invalid. Signatures of documents are for boxes to judge."""
    if leaf == "desired":
        return parse_envelope(payload, payload_type=DESIRED_TYPE).body
    return parse_json_object(payload)


def result_of(body: Mapping[str, Any]) -> Result | None:
    """The command result of a `res` message; None for anything else."""
    cmd = body.get("cmd")
    if not isinstance(cmd, Mapping):
        return None
    try:
        state = ResultState(cmd["st"])
        payload = body.get("data")
        return Result(
            id=str(cmd["id"]),
            st=state,
            code=str(cmd.get("code", "")),
            detail=str(cmd.get("detail", "")),
            payload=payload if isinstance(payload, Mapping) else {},
        )
    except (KeyError, ValueError):
        return None


def _presence(state: str) -> bytes:
    return json.dumps({"v": 1, "state": state, "ts": time.time_ns() // 1_000_000}).encode()
