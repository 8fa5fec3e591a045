import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from edge.link.wire import Wire, dial, is_loopback, packet_bytes
from tests.fake_broker import packet, varint


@pytest.mark.parametrize("size", [0, 1, 127, 128, 16_383, 16_384, 200_000])
def test_a_packets_length_is_read_from_its_head_alone(size: int) -> None:
    head = b"\x30" + varint(size)
    assert packet_bytes(head) == len(head) + size
    assert packet_bytes(head[:-1]) in (0, len(head) + size)
    assert packet_bytes(b"") == packet_bytes(b"\x30") == 0


def test_a_length_of_five_bytes_is_no_length() -> None:
    with pytest.raises(ValueError, match="does not end"):
        packet_bytes(b"\x30\xff\xff\xff\xff\x01")


@pytest.mark.parametrize(
    ("host", "here"), [("127.0.0.1", True), ("::1", True), ("localhost", True), ("h.example", False)]
)
def test_only_this_machines_names_are_loopback(host: str, here: bool) -> None:
    assert is_loopback(host) is here


@contextlib.asynccontextmanager
async def serving(serve: Callable[[asyncio.StreamWriter], Awaitable[None]]) -> AsyncIterator[int]:
    """A server that says something to whoever comes, on that port."""
    writers: list[asyncio.StreamWriter] = []

    async def greet(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        await serve(writer)

    async with await asyncio.start_server(greet, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]
        for writer in writers:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


class Ends:
    """A wire and the other end of it."""

    def __init__(self) -> None:
        self.packets: list[bytes] = []
        self.lost: asyncio.Future[Exception | None] = asyncio.get_running_loop().create_future()
        self.wire = Wire(max_packet_bytes=1000, on_packet=self._read, on_lost=self.lost.set_result)
        self.news = asyncio.Event()

    def _read(self) -> None:
        parts = [self.wire.recv(1)]
        while True:
            try:
                parts.append(self.wire.recv(100))
            except BlockingIOError:
                break
        self.packets.append(b"".join(parts))
        self.news.set()

    async def until(self, count: int) -> None:
        async with asyncio.timeout(10):
            while len(self.packets) < count:
                await self.news.wait()
                self.news.clear()


async def test_packets_come_whole_however_the_bytes_come() -> None:
    ends = Ends()
    sent = [packet(3, b"x" * n) for n in (0, 5, 300)]

    async def serve(writer: asyncio.StreamWriter) -> None:
        for byte in b"".join(sent):
            writer.write(bytes((byte,)))
            await writer.drain()

    async with serving(serve) as port:
        await dial(ends.wire, "127.0.0.1", port, None)
        await ends.until(3)
        assert ends.packets == sent
        ends.wire.cut(OSError("enough"))
        assert str(await ends.lost) == "enough"
        with pytest.raises(BrokenPipeError):
            ends.wire.send(b"x")


async def test_a_packet_above_the_limit_ends_it_before_it_is_read() -> None:
    ends = Ends()

    async def serve(writer: asyncio.StreamWriter) -> None:
        writer.write(b"\x30" + varint(1001))

    async with serving(serve) as port:
        await dial(ends.wire, "127.0.0.1", port, None)
        assert "1004 bytes" in str(await ends.lost)
        assert ends.packets == []


async def test_nothing_is_handed_on_while_paused() -> None:
    ends = Ends()

    async def serve(writer: asyncio.StreamWriter) -> None:
        writer.write(packet(3, b"a") + packet(3, b"b"))

    async with serving(serve) as port:
        await dial(ends.wire, "127.0.0.1", port, None)
        await ends.until(2)
        ends.wire.pause()
        ends.wire.data_received(packet(3, b"c"))
        assert len(ends.packets) == 2
        ends.wire.resume()
        assert ends.packets[-1] == packet(3, b"c")
        ends.wire.cut(OSError("enough"))


@pytest.mark.parametrize("host", ["127.0.0.1", "no such name", "a" * 70 + ".example"])
async def test_whoever_is_not_there_is_an_oserror(host: str) -> None:
    with pytest.raises(OSError, match=r"."):
        await dial(Ends().wire, host, 1, None)
