"""One life of the link: connected, subscribed, reporting, until it is lost or we leave."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from edge.link.desired_desk import NOTHING_DESIRED, DesiredDesk
from edge.link.engine import Broker, Dialect, Engine, Message, Will
from edge.link.envelope import parse_json_object
from edge.link.intake import Intake
from edge.link.lives import Lives
from edge.link.outbox import Outbox
from edge.link.overdue import OVERDUE_LOOK_S, Overdue
from edge.link.presence import Presence, Session
from edge.link.pump import Pump
from edge.link.series import Series
from edge.link.state import MAX_STATE_BYTES, REFRESH_NS, Revision, fit, reported, substance
from edge.link.telemetry import EXPIRY_S, HEALTH_EVERY_S, STREAM_EVERY_S, Telemetry, is_streaming
from edge.link.topics import MAX_INT, controller_topic, split, topic
from edge.model.errors import Forbidden, Invalid
from edge.ports import Clock
from edge.runtime.status_board import StatusBoard

_STATE_EVERY_S = 1.0
_LOOK_EVERY_S = 0.2
_GOODBYE_S = 1.0
_CONTROLLER_SPREAD_S = 60.0


@dataclass(frozen=True, slots=True)
class Parts:
    """What outlives a connection."""

    box: str
    boot: str
    board: StatusBoard
    clock: Clock
    intake: Intake
    outbox: Outbox
    pump: Pump
    presence: Presence
    telemetry: Telemetry
    revision: Revision
    sessions: Series
    lives: Lives
    desk: DesiredDesk | None = None
    dialect: Dialect = field(default_factory=Dialect)


class Connection:
    """Used once. `on_online` is called when everything is subscribed and announced."""

    def __init__(
        self, *, parts: Parts, broker: Broker, session: Session, on_online: Callable[[], Awaitable[None]]
    ) -> None:
        self._parts = parts
        self._session = session
        self._on_online = on_online
        self._substance: Any = None
        self._replay_due = asyncio.Event()
        self._early: list[Message] = []
        self._overdue = Overdue()
        will = Will(self._topic("link"), parts.presence.message("lost", session))
        self._engine = Engine(client_id=parts.box, broker=broker, will=will, dialect=parts.dialect)

    async def run(self) -> None:
        """Until the connection is lost: then raises PeerGone or Forbidden. Cancelled, it says good-bye."""
        try:
            session_kept = await self._engine.connect()
            await self._greet(session_kept)
            await self._converse()
        except asyncio.CancelledError:
            await self._say_goodbye()
            raise
        finally:
            await self._engine.close()

    def _topic(self, leaf: str) -> str:
        return topic(self._parts.box, leaf)

    async def _greet(self, session_kept: bool) -> None:
        parts = self._parts
        parts.intake.chal = self._session.chal
        if not session_kept:
            parts.pump.rewind((await parts.outbox.extent()).acked)
        await self._engine.subscribe(self._topic("link"))
        await self._engine.subscribe(self._topic("cmd"), self._topic("ack"))
        if parts.desk is not None:
            parts.desk.connected()
            await self._engine.subscribe(self._topic("desired"))
        await self._engine.subscribe(controller_topic("+"), retain_as_published=False)
        self._early = self._engine.arrived()
        for message in self._early:
            self._look_for_rival(message)
        parts.lives.began(self._session.sess)
        await self._engine.publish(self._topic("link"), parts.presence.message("online", self._session), retain=True)
        await self._on_online()

    async def _converse(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._watch(), name="link watch")
            group.create_task(self._read(), name="link read")
            group.create_task(self._parts.pump.run(self._engine), name="link pump")
            group.create_task(self._report_state(), name="link state")
            group.create_task(self._report_health(), name="link health")
            group.create_task(self._report_stream(), name="link stream")
            group.create_task(self._replay_for_controller(), name="link replay")
            group.create_task(self._replay_overdue(), name="link overdue")

    async def _watch(self) -> None:
        raise await self._engine.lost()

    async def _say_goodbye(self) -> None:
        with contextlib.suppress(Exception):  # on the way out: nothing left to do about it
            async with asyncio.timeout(_GOODBYE_S):
                payload = self._parts.presence.message("offline", self._session)
                await (await self._engine.publish(self._topic("link"), payload, retain=True))

    def _look_for_rival(self, message: Message) -> None:
        """Raises Forbidden when, since we were online, another box said its presence under our id.

        Mosquitto 2.0 takes our connection away for it without a word.
        """
        if message.topic != self._topic("link") or not message.payload:
            return
        with contextlib.suppress(Invalid):
            if self._parts.lives.sees_rival(parse_json_object(message.payload)):
                raise Forbidden("another box is on the broker under our id", code="taken_over")

    async def _read(self) -> None:
        for message in self._early:
            await self._take(message)
        while True:
            await self._take(await self._engine.inbox.get())

    async def _take(self, message: Message) -> None:
        await self._sort(message)
        self._engine.acknowledge(message)

    async def _sort(self, message: Message) -> None:
        name = split(message.topic)
        if name == (self._parts.box, "cmd"):
            await self._parts.intake.take(message)
        elif name == (self._parts.box, "ack"):
            await self._acknowledged(message.payload)
        elif name == (self._parts.box, "desired") and self._parts.desk is not None:
            await self._parts.desk.take(message)
        elif message.topic.startswith(controller_topic("")):
            self._controller_seen(message)

    async def _acknowledged(self, payload: bytes) -> None:
        try:
            body = parse_json_object(payload)
        except Invalid:
            body = {}
        epoch, eseq = body.get("epoch"), body.get("eseq")
        if isinstance(epoch, str) and isinstance(eseq, int) and 0 <= eseq < MAX_INT:
            if await self._parts.outbox.acknowledge(epoch, eseq):
                self._overdue.heard(eseq, sent=self._parts.pump.position, now_ns=self._parts.clock.mono_ns())
        else:
            await self._parts.intake.note("malformed", "an acknowledgement that does not parse")

    def _controller_seen(self, message: Message) -> None:
        with contextlib.suppress(Invalid):
            if not message.retain and parse_json_object(message.payload).get("state") == "online":
                self._replay_due.set()

    async def _replay_for_controller(self) -> None:
        """A controller that comes back may have missed what the broker took: send it again, not all boxes at once."""
        while True:
            await self._replay_due.wait()
            await asyncio.sleep(random.uniform(0, _CONTROLLER_SPREAD_S))  # noqa: S311
            self._replay_due.clear()
            self._parts.pump.rewind((await self._parts.outbox.extent()).acked)

    async def _replay_overdue(self) -> None:
        while True:
            await asyncio.sleep(OVERDUE_LOOK_S)
            missing_after = self._overdue.due(now_ns=self._parts.clock.mono_ns())
            if missing_after is not None:
                self._parts.pump.rewind(missing_after)

    async def _report_state(self) -> None:
        sent_ns: int | None = None
        async for _ in self._parts.board.changes():
            now_ns = self._parts.clock.mono_ns()
            changed = self._has_changed()
            if changed or sent_ns is None or now_ns - sent_ns >= REFRESH_NS:
                await self._send_state(changed=changed)
                sent_ns = now_ns
                await asyncio.sleep(_STATE_EVERY_S)
            else:
                await asyncio.sleep(_LOOK_EVERY_S)

    def _has_changed(self) -> bool:
        fresh = substance(reported(self._parts.board.document()))
        before, self._substance = self._substance, fresh
        return bool(before != fresh)

    async def _send_state(self, *, changed: bool) -> None:
        rev = await self._parts.revision.advance(changed=changed)  # first, so that all the rest is of one moment
        body = {
            **reported(self._parts.board.document()),
            "v": 1,
            "rev": rev,
            "boot": self._parts.boot,
            "sess": self._session.sess,
            **(self._parts.desk.report() if self._parts.desk else NOTHING_DESIRED),
        }
        limit = min(MAX_STATE_BYTES, self._engine.room_bytes(self._topic("state")))
        await (await self._engine.publish(self._topic("state"), fit(body, limit), retain=True))

    async def _report_health(self) -> None:
        while True:
            self._tell("tele/health", self._parts.telemetry.health(self._parts.board.document()))
            await asyncio.sleep(HEALTH_EVERY_S)

    async def _report_stream(self) -> None:
        while True:
            document = self._parts.board.document()
            if is_streaming(document):
                self._tell("tele/stream", self._parts.telemetry.stream(document))
            await asyncio.sleep(STREAM_EVERY_S)

    def _tell(self, leaf: str, payload: bytes) -> None:
        self._engine.publish_once(self._topic(leaf), payload, expiry_s=EXPIRY_S)
