import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from edge.controller.cli import main
from edge.controller.exporter import Exporter
from edge.link.engine import Broker
from edge.model.errors import Unavailable
from tests.fake_broker import FakeBroker

LINK = {"v": 1, "state": "online", "sess": 1, "clk": "sync"}


@contextlib.asynccontextmanager
async def exporting(*ports: int) -> AsyncIterator[int]:
    exporter = Exporter(brokers=[Broker("127.0.0.1", port) for port in ports], host="127.0.0.1", port=0)
    running = asyncio.ensure_future(exporter.run())
    try:
        yield await exporter.listening
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


async def ask(port: int, request: bytes) -> tuple[str, str]:
    """(status line, body)."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    answer = (await reader.read()).decode()
    writer.close()
    head, _, body = answer.partition("\r\n\r\n")
    return head.split("\r\n")[0], body


async def metrics(port: int) -> str:
    return (await ask(port, b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"))[1]


async def until(port: int, line: str) -> str:
    async with asyncio.timeout(20):
        while line not in (text := await metrics(port)):
            await asyncio.sleep(0.02)
    return text


async def test_what_boxes_say_at_the_broker_can_be_read_over_http() -> None:
    async with FakeBroker() as broker, exporting(broker.port) as port:
        await broker.until(lambda: len(broker.subscribed) == 4, "the subscriptions")
        for n, (leaf, body) in enumerate([("link", LINK), ("tele/health", {"v": 1, "m": {"cpu_pct": 50}})], start=1):
            broker.deliver(f"eb/1/box-aabbcc/{leaf}", json.dumps(body).encode(), mid=n)
        text = await until(port, "scopecast_box_cpu_ratio")
        assert 'scopecast_box_cpu_ratio{box="box-aabbcc"} 0.5\n' in text
        assert f'scopecast_exporter_broker_up{{broker="127.0.0.1:{broker.port}"}} 1.0\n' in text
        broker.deliver("eb/1/box-aabbcc/link", b"", mid=3)
        await until(port, "scopecast_exporter_boxes 0")
    assert broker.published == []
    assert broker.acked == [1, 2, 3]


async def test_a_lost_broker_is_told_and_found_again() -> None:
    async with FakeBroker() as broker, exporting(broker.port) as port:
        await until(port, "} 1.0")
        broker.manners.connack = None
        broker.kick()
        await until(port, "} 0.0")
        broker.manners.connack = 0
        await until(port, "} 1.0")


async def test_nonsense_at_the_broker_is_counted_and_survived() -> None:
    async with FakeBroker() as broker, exporting(broker.port) as port:
        await broker.until(lambda: len(broker.subscribed) == 4, "the subscriptions")
        for n, (topic, payload) in enumerate(
            [("eb/1/box-aabbcc/link", b"\xff"), ("eb/1/box-aabbcc/cmd", b"{}"), ("x", b"{}"), ("eb/1/X/state", b"{}")],
            start=1,
        ):
            broker.deliver(topic, payload, mid=n)
        await until(port, "scopecast_exporter_bad_messages_total 2")


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        (b"GET /metrics?x=1 HTTP/1.0", "HTTP/1.1 200 OK"),
        (b"HEAD /metrics HTTP/1.1", "HTTP/1.1 200 OK"),
        (b"GET / HTTP/1.1", "HTTP/1.1 404 Not Found"),
        (b"POST /metrics HTTP/1.1", "HTTP/1.1 405 Method Not Allowed"),
        (b"rubbish", "HTTP/1.1 405 Method Not Allowed"),
    ],
)
async def test_only_the_metrics_are_served(request_line: bytes, status: str) -> None:
    async with exporting() as port:
        assert (await ask(port, request_line + b"\r\n\r\n"))[0] == status


async def test_a_request_without_end_is_dropped() -> None:
    async with exporting() as port:
        assert await ask(port, b"x" * 20_000) == ("", "")
        assert "scopecast_exporter_boxes 0" in await metrics(port)


async def test_a_taken_port_is_said() -> None:
    async with exporting() as port:
        second = Exporter(brokers=[], host="127.0.0.1", port=port)
        with pytest.raises(Unavailable, match=f"cannot listen at 127.0.0.1:{port}") as caught:
            await second.run()
        assert caught.value.code == "port"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--broker", "nowhere"], "'nowhere' is not HOST:PORT"),
        ([], "no box is known here"),
    ],
)
def test_the_command_line_says_what_is_wrong(
    tmp_path: Any, capsys: pytest.CaptureFixture[str], words: list[str], sentence: str
) -> None:
    assert main(["--home", str(tmp_path), "exporter", *words]) == 2
    assert sentence in capsys.readouterr().err
