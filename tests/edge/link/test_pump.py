import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from edge.link.letters import Scribe
from edge.link.outbox import Outbox, append
from edge.link.pump import Pump
from edge.link.store import Store
from edge.model.errors import PeerGone


class Wire:
    """Takes letters; refuses those whose number is in `refuses`; answers nothing while `silent`."""

    def __init__(self) -> None:
        self.taken: list[int] = []
        self.in_flight = 0
        self.most_in_flight = 0
        self.refuses: dict[int, int] = {}
        self.answer = asyncio.Event()
        self.answer.set()

    async def publish(self, topic: str, payload: bytes) -> asyncio.Future[int]:
        eseq = int(payload.split(b'"eseq": ')[1].split(b",")[0])
        self.taken.append(eseq)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        return asyncio.ensure_future(self._acked(eseq))

    async def _acked(self, eseq: int) -> int:
        await self.answer.wait()
        self.in_flight -= 1
        if self.refuses.get(eseq, 0) > 0:
            self.refuses[eseq] -= 1
            return 0x87
        return 0


class Rig:
    def __init__(self, store: Store, scribe: Scribe) -> None:
        self.store, self.scribe = store, scribe
        self.outbox = Outbox(store)
        self.wire = Wire()
        self.buried: list[int] = []
        self.waits: list[float] = []
        self.pump = Pump(
            outbox=self.outbox, topic_of=lambda leaf: f"t/{leaf}", buried=self.buried.append, sleep=self._sleep
        )

    async def _sleep(self, seconds: float) -> None:
        self.waits.append(seconds)

    async def put(self, count: int) -> None:
        letters = [self.scribe.event("life", "x", sev=1) for _ in range(count)]
        await self.store.run(lambda db: [append(db, letter) for letter in letters])
        self.outbox.wake()

    @contextlib.asynccontextmanager
    async def pumping(self) -> AsyncIterator[None]:
        task = asyncio.ensure_future(self.pump.run(self.wire))
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def until(self, position: int) -> None:
        async with asyncio.timeout(10):
            while self.pump.position < position:
                await asyncio.sleep(0.001)


@pytest.fixture
def rig(store: Store, scribe: Scribe) -> Rig:
    return Rig(store, scribe)


async def test_letters_go_in_order_each_once(rig: Rig) -> None:
    await rig.put(40)
    async with rig.pumping():
        await rig.until(40)
        await rig.put(2)
        await rig.until(42)
    assert rig.wire.taken == list(range(1, 43))


async def test_at_most_sixteen_are_in_flight(rig: Rig) -> None:
    rig.wire.answer.clear()
    await rig.put(40)
    async with rig.pumping():
        async with asyncio.timeout(10):
            while rig.wire.in_flight < 16:
                await asyncio.sleep(0.001)
        rig.wire.answer.set()
        await rig.until(40)
    assert rig.wire.most_in_flight == 16


async def test_a_rewind_sends_again_from_there(rig: Rig) -> None:
    await rig.put(5)
    async with rig.pumping():
        await rig.until(5)
        rig.pump.rewind(2)
        await rig.until(5)
    assert rig.wire.taken == [1, 2, 3, 4, 5, 3, 4, 5]


async def test_a_rewind_into_what_is_in_flight_is_not_forgotten(rig: Rig) -> None:
    rig.wire.answer.clear()
    await rig.put(5)
    async with rig.pumping():
        async with asyncio.timeout(10):
            while rig.wire.in_flight < 5:
                await asyncio.sleep(0.001)
        rig.pump.rewind(3)
        rig.wire.answer.set()
        async with asyncio.timeout(10):
            while len(rig.wire.taken) < 7:
                await asyncio.sleep(0.001)
        await rig.until(5)
    assert rig.wire.taken == [1, 2, 3, 4, 5, 4, 5]


async def test_a_rewind_while_the_next_letters_are_read_is_not_forgotten(rig: Rig) -> None:
    await rig.put(5)
    async with rig.pumping():
        await rig.until(5)
        await rig.put(1)
        await asyncio.sleep(0)  # the pump is reading letter 6 from the disk
        rig.pump.rewind(2)
        async with asyncio.timeout(10):
            while 3 not in rig.wire.taken[5:]:
                await asyncio.sleep(0.001)
        await rig.until(6)
    assert rig.wire.taken[-4:] == [3, 4, 5, 6]


async def test_a_refused_letter_is_tried_again_and_nothing_overtakes_it_for_good(rig: Rig) -> None:
    rig.wire.refuses = {2: 3}
    await rig.put(3)
    async with rig.pumping():
        await rig.until(3)
    assert rig.wire.taken == [1, 2, 3, 2, 3, 2, 3, 2, 3]
    assert rig.waits == [1, 2, 4]
    assert rig.buried == []


async def test_after_five_refusals_it_is_buried_and_told(rig: Rig) -> None:
    rig.wire.refuses = {2: 99}
    await rig.put(3)
    async with rig.pumping():
        await rig.until(3)
    assert rig.buried == [2]
    assert rig.wire.taken.count(2) == 5
    assert [p.eseq for p in await rig.outbox.after(0, limit=9)] == [1, 3]


async def test_a_lost_connection_keeps_the_position(rig: Rig) -> None:
    await rig.put(2)

    async def gone(topic: str, payload: bytes) -> asyncio.Future[int]:
        raise PeerGone("gone")

    rig.wire.publish = gone  # type: ignore[method-assign]
    with pytest.raises(PeerGone):
        await rig.pump.run(rig.wire)
    assert rig.pump.position == 0
