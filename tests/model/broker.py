"""A broker that is nobody's friend: it delays, drops, doubles, reorders between topics, forgets and dies."""

from __future__ import annotations

import asyncio
import copy
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from edge.link.engine import RECEIVE_MAXIMUM, Message, Will
from edge.model.errors import Forbidden, PeerGone
from tests.model.steploop import Process, StepLoop

HOP_S = 0.01
_WILL_DELAY_S = 10.0


@dataclass(slots=True)
class Session:
    """What the broker keeps of a client. `waiting` was not sent yet, `unacked` was."""

    subscriptions: dict[str, bool] = field(default_factory=dict)
    waiting: deque[tuple[str, bytes, bool]] = field(default_factory=deque)
    unacked: dict[int, tuple[str, bytes, bool]] = field(default_factory=dict)
    next_mid: int = 1

    def take_up(self, topic: str, payload: bytes, *, retain: bool) -> None:
        for pattern, as_published in self.subscriptions.items():
            if _fits(pattern, topic):
                self.waiting.append((topic, payload, retain and as_published))
                return


@dataclass(slots=True)
class Memory:
    """All that a broker may lose."""

    retained: dict[str, bytes] = field(default_factory=dict)
    sessions: dict[str, Session] = field(default_factory=dict)


class SimBroker:
    """`swallow`, `twice` and `held` are by leaf: so many messages lost, doubled; topics that wait for `release`."""

    def __init__(self, loop: StepLoop) -> None:
        self.loop = loop
        self.up = True
        self.memory = Memory()
        self.swallow: Counter[str] = Counter()
        self.twice: Counter[str] = Counter()
        self.held: dict[str, list[tuple[str, bytes, bool]]] = {}
        self.sent: list[tuple[str, bytes, bool]] = []
        self.before_ack: Callable[[Message], None] = lambda message: None
        self._online: dict[str, SimEngine] = {}
        self._saved = Memory()

    def engine(self, **how: Any) -> SimEngine:
        """Stands in for edge.link.engine.Engine."""
        return SimEngine(self, **how)

    def save(self) -> None:
        """What a restart from a stale disk will find."""
        self._saved = copy.deepcopy(self.memory)

    def die(self) -> None:
        self.up = False
        for name in list(self._online):
            self.cut(name)

    def revive(self, memory: str) -> None:
        """`memory`: all, none, or stale: what it was at the last `save`."""
        if memory != "all":
            self.memory = Memory() if memory == "none" else copy.deepcopy(self._saved)
        self.up = True

    def cut(self, client: str) -> None:
        """The connection breaks; whatever is on the way is lost with it."""
        engine = self._online.pop(client, None)
        if engine is not None:
            engine.broken(PeerGone("connection lost"))
            if engine.clean:
                self.memory.sessions.pop(client, None)
            if engine.will is not None:
                self.loop.call_later(_WILL_DELAY_S, self._say_will, client, engine.will)

    def forget_session(self, client: str) -> None:
        self.cut(client)
        self.memory.sessions.pop(client, None)

    def clients(self) -> list[str]:
        return sorted(self._online)

    def hold(self, leaf: str) -> None:
        self.held.setdefault(leaf, [])

    def release(self, leaf: str) -> None:
        for topic, payload, retain in self.held.pop(leaf, []):
            self._route(topic, payload, retain)

    def attach(self, engine: SimEngine) -> bool:
        """Raises PeerGone when down."""
        if not self.up:
            raise PeerGone("no broker there")
        if engine.client_id in self._online:
            self._online.pop(engine.client_id).broken(Forbidden("another took our id", code="taken_over"))
        kept = not engine.clean and engine.client_id in self.memory.sessions
        if not kept:
            self.memory.sessions[engine.client_id] = Session()
        self._online[engine.client_id] = engine
        return kept

    def detach(self, engine: SimEngine) -> None:
        if self._online.get(engine.client_id) is engine:
            del self._online[engine.client_id]
            if engine.clean:
                self.memory.sessions.pop(engine.client_id, None)

    def session(self, engine: SimEngine) -> Session | None:
        """None once the engine is no longer connected."""
        there = self._online.get(engine.client_id) is engine
        return self.memory.sessions.get(engine.client_id) if there else None

    def publish(self, topic: str, payload: bytes, *, retain: bool) -> None:
        self.sent.append((topic, payload, retain))
        leaf = topic.rpartition("/")[2]
        if self.swallow[leaf] > 0:
            self.swallow[leaf] -= 1
        elif leaf in self.held:
            self.held[leaf].append((topic, payload, retain))
        else:
            self._route(topic, payload, retain)
            if self.twice[leaf] > 0:
                self.twice[leaf] -= 1
                self._route(topic, payload, retain)

    def _route(self, topic: str, payload: bytes, retain: bool) -> None:
        if retain:
            self.memory.retained[topic] = payload
        for session in self.memory.sessions.values():
            session.take_up(topic, payload, retain=retain)
        for engine in list(self._online.values()):
            engine.deliver()

    def _say_will(self, client: str, will: Will) -> None:
        if self.up and client not in self._online:
            self._route(will.topic, will.payload, True)


class SimEngine:
    """The interface of edge.link.engine.Engine over that broker. Each direction keeps its order."""

    def __init__(
        self,
        world: SimBroker,
        *,
        client_id: str,
        broker: object = None,
        will: Will | None = None,
        clean: bool = False,
        **rest: object,
    ) -> None:
        self.client_id = client_id
        self.clean = clean
        self.will = will
        self.inbox: asyncio.Queue[Message] = asyncio.Queue()
        self._world = world
        self._up: deque[Callable[[], None]] = deque()
        self._down: deque[Message] = deque()
        self._lost: asyncio.Future[PeerGone | Forbidden] = world.loop.create_future()
        self._turn = asyncio.Semaphore(RECEIVE_MAXIMUM)
        self._answers: list[asyncio.Future[int]] = []
        process = Process.here()
        if process is not None:
            process.at_death(self._die)

    async def connect(self) -> bool:
        await asyncio.sleep(HOP_S)
        kept = self._world.attach(self)
        session = self._world.session(self)
        assert session is not None
        session.waiting.extendleft(reversed(session.unacked.values()))
        session.unacked.clear()
        self._world.loop.call_later(HOP_S, self.deliver)
        return kept

    async def lost(self) -> PeerGone | Forbidden:
        return await asyncio.shield(self._lost)

    async def subscribe(self, *topics: str, retain_as_published: bool = True) -> None:
        await asyncio.sleep(HOP_S)
        session = self._world.session(self)
        if session is None:
            raise PeerGone("connection lost")
        for pattern in topics:
            session.subscriptions[pattern] = retain_as_published
            kept = [(t, p, True) for t, p in self._world.memory.retained.items() if p and _fits(pattern, t)]
            session.waiting.extend(kept)
        self.deliver()

    async def publish(
        self, topic: str, payload: bytes, *, retain: bool = False, expiry_s: int | None = None
    ) -> asyncio.Future[int]:
        await self._turn.acquire()
        if self._lost.done():
            self._turn.release()
            raise PeerGone("connection lost")
        acked: asyncio.Future[int] = self._world.loop.create_future()
        acked.add_done_callback(lambda _: self._turn.release())
        self._answers.append(acked)
        self._send(lambda: self._arrive(topic, payload, retain, acked))
        return acked

    def publish_once(self, topic: str, payload: bytes, *, expiry_s: int | None = None) -> None:
        if self._lost.done():
            raise PeerGone("connection lost")
        self._send(lambda: self._world.publish(topic, payload, retain=False))

    def room_bytes(self, topic: str) -> int:
        return 256 << 10

    def arrived(self) -> list[Message]:
        return [self.inbox.get_nowait() for _ in range(self.inbox.qsize())]

    def acknowledge(self, message: Message) -> None:
        if not self._lost.done():
            self._world.before_ack(message)
            self._send(lambda: self._settle(message.mid))

    async def close(self) -> None:
        self._world.detach(self)
        self.broken(PeerGone("closed"))

    def deliver(self) -> None:
        """As much as the client may have at a time."""
        session = self._world.session(self)
        while session is not None and session.waiting and len(session.unacked) < RECEIVE_MAXIMUM:
            topic, payload, retain = session.waiting.popleft()
            mid, session.next_mid = session.next_mid, session.next_mid + 1
            session.unacked[mid] = (topic, payload, retain)
            self._down.append(Message(topic, payload, 1, retain, mid))
            self._world.loop.call_later(HOP_S, self._hand_over)

    def broken(self, error: PeerGone | Forbidden) -> None:
        self._up.clear()
        if not self._lost.done():
            self._lost.set_result(error)
        for acked in self._answers:
            if not acked.done():
                acked.set_exception(PeerGone(str(error)))
                acked.exception()

    def _die(self) -> None:
        self._world.cut(self.client_id) if self._world.session(self) is not None else None
        self.broken(PeerGone("killed"))

    def _send(self, on_arrival: Callable[[], None]) -> None:
        self._up.append(on_arrival)
        self._world.loop.call_later(HOP_S, self._pass_on)

    def _pass_on(self) -> None:
        if self._up:
            self._up.popleft()()

    def _arrive(self, topic: str, payload: bytes, retain: bool, acked: asyncio.Future[int]) -> None:
        self._world.publish(topic, payload, retain=retain)
        self._world.loop.call_later(HOP_S, lambda: None if acked.done() else acked.set_result(0))

    def _settle(self, mid: int) -> None:
        session = self._world.session(self)
        if session is not None:
            session.unacked.pop(mid, None)
            self.deliver()

    def _hand_over(self) -> None:
        if self._down and not self._lost.done():
            self.inbox.put_nowait(self._down.popleft())


def _fits(pattern: str, topic: str) -> bool:
    return all(want in ("+", have) for want, have in _pairs(pattern.split("/"), topic.split("/")))


def _pairs(pattern: list[str], topic: list[str]) -> Iterator[tuple[str, str]]:
    for index in range(max(len(pattern), len(topic))):
        want = pattern[index] if index < len(pattern) else ""
        if want == "#":
            return
        yield want, topic[index] if index < len(topic) else ""
