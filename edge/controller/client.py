"""A controller in a program: commands out, answers and the fleet's state in."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import time
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from typing import Any, Self

from edge.controller.fleet import BoxView, Fleet
from edge.controller.follow import Follower
from edge.controller.home import Home
from edge.link.acceptance import is_sensitive
from edge.link.engine import Broker, Engine, Message, Will
from edge.link.envelope import parse_json_object, write_envelope
from edge.link.ids import uuid7
from edge.link.topics import controller_topic, split, topic
from edge.model.command import Result, ResultState
from edge.model.errors import EdgeError, Forbidden, Invalid, PeerGone, TimedOut
from edge.runtime.backoff import Backoff
from edge.vault.signing import SigningKey

_VALID_S = 60
_ACK_EVERY_S = 1.0
_LINK_S = 3.0
_PENDING = (ResultState.ACCEPTED, ResultState.RUNNING)
OnEvent = Callable[[str, Mapping[str, Any]], None]


class Controller:
    """Use as `async with Controller(...) as controller`. Entering raises PeerGone, Forbidden when the
    broker is not to be had; later losses are mended by reconnecting.

    With `follow`, events are taken in too, positions are kept in `home`, boxes get their
    acknowledgements and our presence is announced; without, it only asks and watches.
    """

    def __init__(
        self,
        *,
        broker: Broker,
        key: SigningKey,
        home: Home,
        name: str | None = None,
        follow: bool = False,
        by: str = "",
        on_event: OnEvent = lambda box, event: None,
    ) -> None:
        self.fleet = Fleet()
        self.name = name or key.kid
        self._broker = broker
        self._key = key
        self._home = home
        self._follow = follow
        self._by = by
        self._on_event = on_event
        self._engine: Engine | None = None
        self._stack = AsyncExitStack()
        self._news = asyncio.Event()
        self._heard = asyncio.Event()
        self._waiting: dict[str, asyncio.Queue[Result]] = {}
        self._followers: dict[str, Follower] = {}
        self._group: asyncio.TaskGroup
        self._sending = asyncio.Lock()

    async def __aenter__(self) -> Self:
        if self._follow:
            positions = await asyncio.to_thread(self._home.positions)
            self._followers = {box: Follower(position) for box, position in positions.items()}
        engine = await self._connect()
        self._group = await self._stack.enter_async_context(asyncio.TaskGroup())
        tasks = [self._group.create_task(self._stay(engine))]
        if self._follow:
            tasks.append(self._group.create_task(self._acknowledge_on()))
        for task in tasks:
            self._stack.callback(task.cancel)
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._leave()
        await self._stack.aclose()

    @property
    def where(self) -> str:
        """The broker, for people."""
        return f"{self._broker.host}:{self._broker.port}"

    @property
    def connected(self) -> bool:
        return self._engine is not None

    async def changed(self) -> None:
        """Wait until any box said something since the last return."""
        await self._news.wait()
        self._news.clear()

    async def box(self, id: str, *, timeout_s: float = _LINK_S) -> BoxView:
        """What is known of a box, once it has said who it is. Raises TimedOut when it never did."""
        try:
            async with asyncio.timeout(timeout_s):
                while not (view := self.fleet.box(id)).link:
                    await self._heard.wait()
                    self._heard.clear()
        except TimeoutError:
            raise TimedOut(f"{id} has never been seen at the broker {self.where}", code="box_unknown") from None
        return view

    async def send(
        self,
        box: str,
        op: str,
        args: Mapping[str, Any] | None = None,
        *,
        if_rev: int | None = None,
        timeout_s: float = 10.0,
    ) -> Result:
        """One signed command and its final result, whatever that is.

        Raises PeerGone when box or broker is not there, TimedOut when no final answer came in time.
        """
        view = await self.box(box)
        if not view.online:
            raise PeerGone(f"{box} is {view.link.get('state')}", code="box_offline")
        id = uuid7(time.time_ns() // 1_000_000)  # noqa: A001
        answers = self._waiting[id] = asyncio.Queue()
        try:
            async with self._sending:
                await self._publish(view, id, op, args or {}, if_rev)
            return await _final(answers, f"{box} did not answer {op}", timeout_s)
        finally:
            del self._waiting[id]

    async def _publish(self, view: BoxView, id: str, op: str, args: Mapping[str, Any], if_rev: int | None) -> None:
        now_s = int(time.time())
        order: dict[str, Any] = {
            "v": 1,
            "box": view.id,
            "id": id,
            "ctr": await asyncio.to_thread(self._home.next_ctr, now_s * 1000),
            "op": op,
            "args": args,
            "by": self._by or self.name,
            "iat": now_s,
            "exp": now_s + _VALID_S,
        }
        if if_rev is not None:
            order["if_rev"] = if_rev
        if is_sensitive(op) or not view.clock_synchronised:
            order["chal"] = view.chal
        envelope = write_envelope(json.dumps(order).encode(), kid=self._key.kid, sign=self._key.sign)
        taken = await (await self._live().publish(topic(view.id, "cmd"), envelope))
        if taken >= 0x80:
            raise Forbidden("the broker does not let us command this box", code="broker_refuses")

    def _live(self) -> Engine:
        if self._engine is None:
            raise PeerGone(f"not connected to the broker {self.where}")
        return self._engine

    async def _connect(self) -> Engine:
        presence = controller_topic(self.name)
        will = Will(presence, _presence("lost")) if self._follow else None
        client_id = f"{self.name}-{secrets.token_hex(4)}"
        engine = Engine(client_id=client_id, broker=self._broker, clean=True, will=will)
        try:
            await engine.connect()
            await engine.subscribe(*(topic("+", leaf) for leaf in ("link", "state", "res", "tele/stream")))
            if self._follow:
                await engine.subscribe(topic("+", "evt"))
                await engine.publish(presence, _presence("online"), retain=True)
        except BaseException:
            await engine.close()
            raise
        self._engine = engine
        return engine

    async def _stay(self, engine: Engine) -> None:
        backoff = Backoff()
        while True:
            started_s = time.monotonic()
            await self._read_until_lost(engine)
            while True:
                await asyncio.sleep(backoff.next_wait_s(ran_s=time.monotonic() - started_s))
                with contextlib.suppress(EdgeError):
                    engine = await self._connect()
                    break

    async def _read_until_lost(self, engine: Engine) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                reading = group.create_task(self._read(engine))
                await engine.lost()
                reading.cancel()
        finally:
            self._engine = None
            self._news.set()
            await engine.close()

    async def _read(self, engine: Engine) -> None:
        while True:
            message = await engine.inbox.get()
            engine.acknowledge(message)
            self._sort(message)

    def _sort(self, message: Message) -> None:
        name = split(message.topic)
        if name is None or name[0] == "_ctl":
            return
        try:
            body = parse_json_object(message.payload)
        except Invalid:
            return
        if body.get("v") != 1:
            return
        box, leaf = name
        self.fleet.apply(box, leaf, body, now_s=time.monotonic())
        if leaf in ("res", "evt"):
            self._take_in(box, body)
        self._news.set()
        self._heard.set()

    def _take_in(self, box: str, body: Mapping[str, Any]) -> None:
        result = _result_of(body)
        if result is not None and result.id in self._waiting:
            self._waiting[result.id].put_nowait(result)
        epoch, eseq = body.get("epoch"), body.get("eseq")
        if not self._follow or not isinstance(epoch, str) or not isinstance(eseq, int):
            return
        step = self._followers.setdefault(box, Follower()).step(epoch, eseq, now_s=time.monotonic())
        if step.fresh:
            self._on_event(box, body)
        if step.resend_from is not None:
            self._group.create_task(self._ask_again(box, step.resend_from))

    async def _ask_again(self, box: str, start: int) -> None:
        with contextlib.suppress(EdgeError):
            await self.send(box, "evt.resend", {"from": start})

    async def _acknowledge_on(self) -> None:
        told: dict[str, Any] = {}
        while True:
            await asyncio.sleep(_ACK_EVERY_S)
            fresh = {b: f.position for b, f in self._followers.items() if f.position and told.get(b) != f.position}
            if not fresh or self._engine is None:
                continue
            await asyncio.to_thread(self._home.keep_positions, fresh)
            with contextlib.suppress(PeerGone):
                for box, position in fresh.items():
                    body = json.dumps({"epoch": position.epoch, "eseq": position.eseq}).encode()
                    await self._live().publish(topic(box, "ack"), body)
                    told[box] = position

    async def _leave(self) -> None:
        if self._engine is not None and self._follow:
            with contextlib.suppress(EdgeError, TimeoutError):
                async with asyncio.timeout(1.0):
                    payload = _presence("offline")
                    await (await self._engine.publish(controller_topic(self.name), payload, retain=True))


async def _final(answers: asyncio.Queue[Result], what: str, timeout_s: float) -> Result:
    accepted = False
    try:
        async with asyncio.timeout(timeout_s):
            while (result := await answers.get()).st in _PENDING:
                accepted = True
    except TimeoutError:
        word = " finally (it was accepted)" if accepted else ""
        raise TimedOut(f"{what}{word} within {timeout_s:g} s") from None
    return result


def _result_of(body: Mapping[str, Any]) -> Result | None:
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
