"""The component that ties the link together: memory, intake, connection after connection."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edge.config.model import MqttConfig
from edge.link.alarms import Alarms
from edge.link.connection import Connection, Parts
from edge.link.desired import Applier
from edge.link.desired_desk import DesiredDesk
from edge.link.engine import Broker, Dialect
from edge.link.identity import boot_id
from edge.link.intake import Intake
from edge.link.letters import ClockWord, Scribe
from edge.link.linkstatus import LinkState, LinkStatus
from edge.link.lives import Lives, remember_boot
from edge.link.network import TRIAL_S, Network
from edge.link.outbox import Letter, Outbox, append
from edge.link.patient_store import PatientStore
from edge.link.presence import Presence, new_session
from edge.link.pump import Pump
from edge.link.refusals import Refusals
from edge.link.retry import Retry
from edge.link.route import MOVED, Route
from edge.link.series import Series
from edge.link.signatures import Keyring
from edge.link.state import Revision
from edge.link.store import Store
from edge.link.telemetry import Telemetry
from edge.link.tls_refusals import OF_THE_CLOCK
from edge.link.tls_refusals import REFUSED as REFUSED_BY_TLS
from edge.link.topics import MAX_INT, topic
from edge.link.workers import Workers
from edge.model.command import Lane
from edge.model.errors import EdgeError, Forbidden, Invalid, Unavailable
from edge.ports import Clock
from edge.runtime.command_bus import CommandBus
from edge.runtime.component import Component, Context
from edge.runtime.log import OutageLog
from edge.runtime.status_board import StatusBoard

_LOG = logging.getLogger(__name__)
_EVENTS_WAITING = 1000
_STATUS_EVERY_S = 1.0
_SESSIONS = 64
_TRIAL_EVERY_S = 5.0
_HOPELESS = frozenset(("tls_required",))
_REFUSED = REFUSED_BY_TLS | {"broker_refuses", "broker_unfit", "taken_over", "tls_required", "subscription_refused"}


class Link:
    """Component `link`. Owns the board section `link` and registers `evt.resend` on the bus.

    `route` says where the broker is, the one of `config` when left out; no host means one on this machine.
    `keyring` decides who may command.
    Everything else of the box goes on when the broker is not there. Many links of one process share `workers`.
    """

    name = "link"
    critical = False
    stall_s = None

    def __init__(
        self,
        *,
        box_id: str,
        config: MqttConfig,
        bus: CommandBus,
        board: StatusBoard,
        keyring: Keyring,
        state_dir: Path,
        clock: Clock,
        version: str,
        slot: str = "A",
        boot: str | None = None,
        workers: Workers | None = None,
        desired: Applier | None = None,
        route: Route | None = None,
    ) -> None:
        self._box = box_id
        self._desired = desired
        self._intake: Intake | None = None
        self._desk: DesiredDesk | None = None
        self._route = route or Route(Broker(config.host or "127.0.0.1", config.port), own=not config.host)
        self._network = Network(route=self._route, spread_s=config.reconnect_spread_s, clock=clock)
        self._bus = bus
        self._board = board
        self._keyring = keyring
        self._path = state_dir / "link.sqlite"
        self._workers = workers
        self._clock = clock
        self._version = version
        self._boot = boot or boot_id()
        clock_word = self._clock_word = ClockWord(clock)
        self._scribe = Scribe(boot=self._boot, clock=clock, clock_word=clock_word)
        self._presence = Presence(boot=self._boot, version=version, slot=slot, clock=clock, clock_word=clock_word)
        self._events: asyncio.Queue[Letter] = asyncio.Queue(_EVENTS_WAITING)
        self._refusals = Refusals()
        self._status = LinkStatus(board=board, clock=clock, box=box_id, broker=self._network.broker.where)
        self._emit("life", "box.started", sev=1, facts={"sw": version})

    @property
    def components(self) -> tuple[Component, ...]:
        return (self,)

    def audit(self, code: str, facts: Mapping[str, Any]) -> None:
        """Put an audit event in the outbox, in order. Event loop only; no secrets, no patients."""
        self._emit("audit", code, sev=2, facts=facts)

    def life(self, code: str, facts: Mapping[str, Any]) -> None:
        """Put a life-cycle event in the outbox, in order. Event loop only."""
        self._emit("life", code, sev=1, facts=facts)

    async def hear_again(self, *, anew: bool) -> None:
        """Connect once more: what the broker retains is said again, to keys that the box has meanwhile.

        `anew`: it is another controller than before, whose desired documents count from the start.
        """
        if anew and self._desk is not None:
            await self._desk.forget()
        self._route.leave()

    async def events_written(self) -> None:
        """Wait until every event told so far is on disk."""
        await self._events.join()

    async def results_written(self) -> None:
        """Wait until the result of the system lane's command, if one runs, is on disk."""
        if self._intake is not None:
            await self._intake.written(Lane.SYSTEM)

    def dated_s(self) -> float:
        """UTC in seconds as far as it is certain: without a synchronised clock, when there last was one."""
        return self._intake.situation().dated_ms / 1000 if self._intake else self._clock.utc_ns() / 1e9

    async def run(self, ctx: Context) -> None:
        self._status.put(LinkState.CONNECTING)
        store = PatientStore(self._path, workers=self._workers, on_trouble=self._status.storage)
        try:
            await self._open(store)
            parts = await self._assemble(store)
            ctx.ready()
            await ctx.until_stopped(self._work(store, parts))
        except BaseExceptionGroup as group:
            raise _first_cause(group) from group
        finally:
            self._status.put(LinkState.OFFLINE)
            await self._write_the_rest(store)
            await store.close()

    async def _open(self, store: Store) -> None:
        try:
            await store.open()
        except Unavailable as error:
            self._status.storage(error)
            raise
        self._status.storage(None)

    def _emit(self, kind: str, code: str, *, sev: int, facts: Mapping[str, Any]) -> None:
        try:
            self._events.put_nowait(self._scribe.event(kind, code, sev=sev, facts=facts))
        except asyncio.QueueFull:
            _LOG.error("event %s lost: the disk does not keep up", code)

    async def _assemble(self, store: Store) -> Parts:
        outbox = Outbox(store)
        revision = Revision(store)
        pump = Pump(outbox=outbox, topic_of=lambda leaf: topic(self._box, leaf), buried=self._on_buried)
        pump.position = (await outbox.extent()).acked
        intake = Intake(
            box=self._box,
            bus=self._bus,
            keyring=self._keyring,
            store=store,
            outbox=outbox,
            scribe=self._scribe,
            clock=self._clock,
            clock_word=self._clock_word,
            refusals=self._refusals,
            revision=revision,
        )
        await intake.recover()
        earlier_boots = await store.run(lambda db: remember_boot(db, self._boot))
        self._intake = intake
        self._register_resend(outbox, pump)
        desk = self._desk = self._make_desk(self._desired, store, outbox, intake) if self._desired else None
        if desk is not None:
            await desk.recover()
        return Parts(
            box=self._box,
            boot=self._boot,
            board=self._board,
            clock=self._clock,
            intake=intake,
            outbox=outbox,
            pump=pump,
            presence=self._presence,
            telemetry=Telemetry(boot=self._boot, clock=self._clock),
            revision=revision,
            desk=desk,
            sessions=Series(store, "sess", reserve=_SESSIONS),
            lives=Lives(boot=self._boot, earlier_boots=earlier_boots),
        )

    def _make_desk(self, applier: Applier, store: Store, outbox: Outbox, intake: Intake) -> DesiredDesk:
        return DesiredDesk(
            applier=applier,
            keyring=self._keyring,
            situation=intake.situation,
            network=self._network,
            store=store,
            outbox=outbox,
            scribe=self._scribe,
            board=self._board,
            refuse=intake.refuse,
        )

    def _register_resend(self, outbox: Outbox, pump: Pump) -> None:
        async def resend(args: Mapping[str, Any]) -> Mapping[str, Any]:
            start = args.get("from")
            if not isinstance(start, int) or isinstance(start, bool) or not 1 <= start < MAX_INT:
                raise Invalid("args.from: must be an eseq from 1")
            extent = await outbox.extent()
            kept = await outbox.after(start - 1, limit=1)
            pump.rewind(start - 1)
            first = kept[0].eseq if kept else extent.last + 1
            return {"epoch": extent.epoch, "from": start, "first": first, "last": extent.last}

        self._bus.register("evt.resend", Lane.SYSTEM, resend)

    async def _work(self, store: Store, parts: Parts) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(parts.intake.work(), name="link lanes")
            group.create_task(self._write_events(store, parts.outbox), name="link events")
            group.create_task(self._watch_issues(store, parts.outbox), name="link alarms")
            group.create_task(self._keep_status(parts), name="link status")
            group.create_task(self._stay_connected(parts), name="link connection")

    async def _stay_connected(self, parts: Parts) -> None:
        retry, outage = Retry(spread_s=self._network.spread_s), OutageLog(_LOG, "link")
        while True:
            if self._route.arrived():
                retry = Retry(spread_s=self._network.spread_s)
                await self._begin_elsewhere(parts)
            self._status.put(LinkState.CONNECTING)
            error, connected_s = await self._connect_once(parts, outage)
            if error.code == MOVED:
                continue
            self._route.failed(error)
            outage.failed(error)
            retry.spread_s = self._network.spread_s
            wait_s = retry.next_wait_s(connected_s=connected_s, refused=self._is_refusal(error))
            self._status.put(LinkState.OFFLINE, error=error)
            if parts.desk is not None and self._network.on_trial:
                await self._look_on(parts.desk, error, wait_s)
            else:
                await self._route.rest(wait_s)

    def _is_refusal(self, error: EdgeError) -> bool:
        """A certificate that is out of date only by a clock that nobody disciplines may be good in a minute."""
        if error.code in OF_THE_CLOCK and not self._clock.synchronised():
            return False
        return error.code in _REFUSED

    async def _begin_elsewhere(self, parts: Parts) -> None:
        """The new broker knows nothing of what the one before had; who spoke there under our id was not a rival."""
        parts.lives.begin_elsewhere()
        parts.dialect.version = Dialect().version
        parts.pump.rewind((await parts.outbox.extent()).acked)
        self._status.move(self._network.broker.where)

    async def _look_on(self, desk: DesiredDesk, error: EdgeError, wait_s: float) -> None:
        """The broker on trial was not reached: try again soon, or go back when its time is over."""
        left_s = self._network.left_s
        if error.code in _HOPELESS:
            await desk.revert(error.code, str(error))
        elif left_s == 0:
            await desk.revert("link_not_back", f"not reached within {TRIAL_S:g} s: {error}")
        else:
            await self._route.rest(min(wait_s, _TRIAL_EVERY_S, left_s))

    async def _connect_once(self, parts: Parts, outage: OutageLog) -> tuple[EdgeError, float]:
        """One connection from beginning to end: why it ended and how long it held in seconds."""
        online_ns: list[int] = []

        async def on_online() -> None:
            online_ns.append(self._clock.mono_ns())
            self._status.put(LinkState.ONLINE)
            self._route.reached()
            outage.recovered()
            if parts.desk is not None:
                await parts.desk.confirm()

        session = new_session(await parts.sessions.next())
        self._status.sess = session.sess
        connection = Connection(parts=parts, broker=self._network.broker, session=session, on_online=on_online)
        error: EdgeError
        try:
            await self._route.stay(connection.run())
            raise AssertionError("a connection ends by losing it")
        except* (Unavailable, Forbidden) as group_error:
            error = _first_edge_error(group_error)
        if error.code == "link_store":
            raise error
        return error, (self._clock.mono_ns() - online_ns[0]) / 1e9 if online_ns else 0.0

    async def _write_events(self, store: Store, outbox: Outbox) -> None:
        while True:
            letters = [await self._events.get(), *(self._events.get_nowait() for _ in range(self._events.qsize()))]
            await store.run(lambda db, new=letters: [append(db, letter) for letter in new])  # type: ignore[misc]
            outbox.wake()
            for _ in letters:
                self._events.task_done()

    async def _write_the_rest(self, store: Store) -> None:
        """What was told while the link was on its way out; a disk that refuses now is not waited for."""
        letters = [self._events.get_nowait() for _ in range(self._events.qsize())]
        with contextlib.suppress(Unavailable):
            await Store.run(store, lambda db: [append(db, letter) for letter in letters])

    async def _watch_issues(self, store: Store, outbox: Outbox) -> None:
        alarms = Alarms(self._scribe)
        async for _ in self._board.changes():
            letters = alarms.step(self._board.get("issues"))
            if letters:
                await store.run(lambda db, new=letters: [append(db, letter) for letter in new])  # type: ignore[misc]
                outbox.wake()

    async def _keep_status(self, parts: Parts) -> None:
        seen = -1
        while True:
            if seen != parts.outbox.changes:
                seen = parts.outbox.changes
                await self._look_at_outbox(parts.outbox)
            self._status.refused(self._refusals.total)
            await parts.intake.keep_time()
            if parts.desk is not None:
                await parts.desk.reconsider()
                parts.desk.refresh()
            await asyncio.sleep(_STATUS_EVERY_S)

    async def _look_at_outbox(self, outbox: Outbox) -> None:
        self._status.waiting((await outbox.extent()).waiting)
        marker = self._scribe.event("audit", "outbox.trimmed", sev=2)
        if await outbox.trim(marker):
            outbox.wake()

    def _on_buried(self, eseq: int) -> None:
        self._emit("audit", "outbox.dead_letter", sev=2, facts={"eseq": eseq})


def _first_edge_error(group: BaseExceptionGroup[BaseException]) -> EdgeError:
    leaf = _first_cause(group)
    return leaf if isinstance(leaf, EdgeError) else Unavailable(str(leaf))


def _first_cause(group: BaseException) -> BaseException:
    while isinstance(group, BaseExceptionGroup):
        group = group.exceptions[0]
    return group
