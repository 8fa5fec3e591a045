import asyncio
from collections.abc import Callable

from edge.link.heartbeat import Heartbeat
from edge.link.wire import Wire


class FakeWire:
    """Counts what is asked; answers while `answers`."""

    def __init__(self) -> None:
        self.time = asyncio.get_running_loop().time
        self.heard_s = self.said_s = self.time()
        self.reading = True
        self.answers = True
        self.asked = 0
        self.news = asyncio.Event()
        self.ended: Exception | None = None

    def send(self, buffer: bytes) -> int:
        assert buffer == b"\xc0\x00"
        self.asked += 1
        self.said_s = self.time()
        if self.answers:
            self.heard_s = self.time()
        self.news.set()
        return len(buffer)

    def cut(self, error: Exception) -> None:
        self.ended = error
        self.news.set()

    async def until(self, true: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not true():
                await self.news.wait()
                self.news.clear()


def beat(wire: FakeWire, *, owed_since_s: float | None = None, keepalive_s: float = 0.03) -> Heartbeat:
    seen: Wire = wire  # type: ignore[assignment]
    return Heartbeat(seen, keepalive_s=keepalive_s, owed_since_s=lambda: owed_since_s)


async def test_a_quiet_connection_is_asked_again_and_again_and_stays() -> None:
    wire = FakeWire()
    heartbeat = beat(wire)
    await wire.until(lambda: wire.asked == 3)
    heartbeat.stop()
    assert wire.ended is None


async def test_silence_after_a_question_ends_it() -> None:
    wire = FakeWire()
    wire.answers = False
    beat(wire)
    await wire.until(lambda: wire.ended is not None)
    assert wire.asked == 1
    assert "nothing was heard" in str(wire.ended)


async def test_silence_means_nothing_while_we_take_nothing_in() -> None:
    wire = FakeWire()
    wire.answers = wire.reading = False
    heartbeat = beat(wire)
    await wire.until(lambda: wire.asked == 3)
    heartbeat.stop()
    assert wire.ended is None


async def test_an_answer_owed_for_too_long_ends_it_though_the_other_side_is_there() -> None:
    wire = FakeWire()
    beat(wire, owed_since_s=wire.time() - 1)
    await wire.until(lambda: wire.ended is not None)
    assert "not acknowledged" in str(wire.ended)


async def test_a_closing_wire_is_left_alone() -> None:
    wire = FakeWire()

    tried = asyncio.Event()

    def closed(buffer: bytes) -> int:
        tried.set()
        raise BrokenPipeError

    wire.send = closed  # type: ignore[method-assign]
    beat(wire)
    await asyncio.wait_for(tried.wait(), 10)
    assert wire.ended is None
