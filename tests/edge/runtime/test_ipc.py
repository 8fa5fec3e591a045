from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from edge.model.errors import Fault, NotFound, PeerGone, Rejected, TimedOut
from edge.runtime.component import Context
from edge.runtime.ipc import IpcClient, IpcServer, Reply


async def _echo(args: Mapping[str, Any]) -> Reply:
    return Reply({"got": dict(args)}, b"\x00blob\xff")


async def _refuse(args: Mapping[str, Any]) -> Reply:
    raise NotFound("no such thing", code="unknown_sink")


async def _break(args: Mapping[str, Any]) -> Reply:
    raise ZeroDivisionError


async def _hang(args: Mapping[str, Any]) -> Reply:
    await asyncio.Event().wait()
    return Reply()


_ANSWERS = {"echo": _echo, "refuse": _refuse, "break": _break, "hang": _hang}


@asynccontextmanager
async def _running(*components: IpcServer | IpcClient) -> AsyncIterator[None]:
    contexts = [Context() for _ in components]
    tasks = [asyncio.ensure_future(c.run(ctx)) for c, ctx in zip(components, contexts, strict=True)]
    try:
        yield
    finally:
        for ctx in contexts:
            ctx.ask_to_stop()
        await asyncio.wait_for(asyncio.gather(*tasks), 10)


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.005)


def _pair(folder: Path, **more: Any) -> tuple[IpcServer, IpcClient]:
    path = folder / "s"
    return (
        IpcServer(name="server", path=path, answers=_ANSWERS),
        IpcClient(name="server", path=path, retry_s=0.01, **more),
    )


async def test_request_brings_body_and_bytes_back(tmp_path: Path) -> None:
    server, client = _pair(tmp_path)
    async with _running(server, client):
        await _until(lambda: client.connected)
        reply = await client.request("echo", {"a": 1})
    assert reply.body == {"got": {"a": 1}}
    assert reply.blob == b"\x00blob\xff"


async def test_errors_cross_with_family_code_and_words(tmp_path: Path) -> None:
    server, client = _pair(tmp_path)
    async with _running(server, client):
        await _until(lambda: client.connected)
        with pytest.raises(Rejected, match="no such thing") as refused:
            await client.request("refuse")
        with pytest.raises(Fault, match="ZeroDivisionError in break"):
            await client.request("break")
        with pytest.raises(Rejected, match="no local operation 'what'"):
            await client.request("what")
        assert client.connected, "errors do not cost the connection"
    assert refused.value.code == "unknown_sink"


async def test_silence_is_a_time_out(tmp_path: Path) -> None:
    server, client = _pair(tmp_path)
    async with _running(server, client):
        await _until(lambda: client.connected)
        with pytest.raises(TimedOut, match="did not answer hang"):
            await client.request("hang", timeout_s=0.05)


async def test_newcomer_gets_the_last_push_of_each_topic(tmp_path: Path) -> None:
    got: list[tuple[str, Mapping[str, Any]]] = []
    server, client = _pair(tmp_path, on_push=lambda topic, body: got.append((topic, body)))
    server.push("status", {"n": 1})
    server.push("status", {"n": 2})
    async with _running(server, client):
        await _until(lambda: bool(got))
    assert got == [("status", {"n": 2})]


async def test_client_returns_after_the_server_was_away(tmp_path: Path) -> None:
    lost: list[int] = []
    server, client = _pair(tmp_path, on_lost=lambda: lost.append(1))
    async with _running(client):
        with pytest.raises(PeerGone, match="server is not running"):
            await client.request("echo")
        async with _running(server):
            await _until(lambda: client.connected)
        await _until(lambda: not client.connected)
        async with _running(server):
            await _until(lambda: client.connected)
            assert (await client.request("echo", {})).body == {"got": {}}
    assert len(lost) >= 1


async def test_garbage_costs_only_its_own_connection(tmp_path: Path) -> None:
    server, client = _pair(tmp_path)
    async with _running(server, client):
        await _until(lambda: client.connected)
        reader, writer = await asyncio.open_unix_connection(tmp_path / "s")
        writer.write(b"\xff" * 64)
        assert await reader.read() == b""
        writer.close()
        assert (await client.request("echo", {})).body == {"got": {}}


async def test_socket_belongs_to_its_owner_only(tmp_path: Path) -> None:
    server, _ = _pair(tmp_path)
    async with _running(server):
        await _until((tmp_path / "s").exists)
        await asyncio.sleep(0)
        assert (tmp_path / "s").stat().st_mode & 0o777 == 0o600
