"""Local request, reply and push between the box's processes, over a Unix stream socket.

A message is a 4-byte length of JSON, a 4-byte length of binary, both big-endian, then the two.
JSON is `{"t": "req"|"res"|"err"|"push", ...}`. Only processes of the same user may connect.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import logging
import os
import struct
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edge.model.errors import EdgeError, Fault, NotSupported, PeerGone, TimedOut, family, revive
from edge.runtime.component import Context

_LOG = logging.getLogger(__name__)
_HEAD = struct.Struct("!II")
_MAX_JSON = 4 << 20
_MAX_BLOB = 64 << 20


@dataclass(frozen=True, slots=True)
class Reply:
    """Answer to a request: wire values and, where there is one, bytes (a picture)."""

    body: Mapping[str, Any] = field(default_factory=dict)
    blob: bytes = b""


Answer = Callable[[Mapping[str, Any]], Awaitable[Reply]]
OnPush = Callable[[str, Mapping[str, Any]], None]


async def _receive(reader: asyncio.StreamReader) -> tuple[dict[str, Any], bytes]:
    json_size, blob_size = _HEAD.unpack(await reader.readexactly(_HEAD.size))
    if json_size > _MAX_JSON or blob_size > _MAX_BLOB:
        raise Fault(f"local message of {json_size}+{blob_size} bytes is over the limit")
    message = json.loads(await reader.readexactly(json_size))
    return message, await reader.readexactly(blob_size)


def _frame(message: Mapping[str, Any], blob: bytes = b"") -> bytes:
    text = json.dumps(message).encode()
    return _HEAD.pack(len(text), len(blob)) + text + blob


class IpcServer:
    """Component: answers requests by operation name and pushes topics to everyone connected.

    The last push of each topic is repeated to a newcomer, so that it starts with the state.
    """

    critical = True
    stall_s = None

    def __init__(self, *, name: str, path: Path, answers: Mapping[str, Answer]) -> None:
        self.name = name
        self._path = path
        self._answers = answers
        self._writers: set[asyncio.StreamWriter] = set()
        self._retained: dict[str, bytes] = {}

    async def run(self, ctx: Context) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with contextlib.suppress(FileNotFoundError):
            self._path.unlink()
        server = await asyncio.start_unix_server(self._serve, self._path)
        os.chmod(self._path, 0o600)
        ctx.ready()
        async with server:
            await ctx.stopped()
            for writer in tuple(self._writers):  # before the server's end waits for them
                writer.close()

    def push(self, topic: str, body: Mapping[str, Any]) -> None:
        """Event loop only. A reader that does not keep up loses its connection, not our memory."""
        raw = self._retained[topic] = _frame({"t": "push", "topic": topic, "body": body})
        for writer in tuple(self._writers):
            if writer.transport.get_write_buffer_size() > _MAX_JSON:
                writer.close()
            else:
                writer.write(raw)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        for raw in self._retained.values():
            writer.write(raw)
        try:
            async with asyncio.TaskGroup() as group:
                while True:
                    message, _ = await _receive(reader)
                    group.create_task(self._answer(message, writer))
        except* (asyncio.IncompleteReadError, ConnectionError):
            pass
        except* (Fault, ValueError) as group_error:
            _LOG.warning("%s: dropped a connection: %s", self.name, group_error.exceptions[0])
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _answer(self, message: Mapping[str, Any], writer: asyncio.StreamWriter) -> None:
        try:
            answer = self._answers.get(str(message.get("op")))
            if answer is None:
                raise NotSupported(f"no local operation {message.get('op')!r}")
            reply = await answer(message.get("args", {}))
            writer.write(_frame({"t": "res", "id": message["id"], "body": reply.body}, reply.blob))
        except EdgeError as error:
            writer.write(_frame(_error_message(message, error)))
        except Exception as error:
            _LOG.exception("%s: %s failed", self.name, message.get("op"))
            writer.write(_frame(_error_message(message, Fault(f"{type(error).__name__} in {message.get('op')}"))))


def _error_message(message: Mapping[str, Any], error: EdgeError) -> Mapping[str, Any]:
    return {"t": "err", "id": message.get("id"), "family": family(error), "code": error.code, "message": str(error)}


class IpcClient:
    """Component: stays connected to an IpcServer; `request` raises PeerGone while it is not."""

    critical = False
    stall_s = None

    def __init__(
        self,
        *,
        name: str,
        path: Path,
        on_push: OnPush = lambda topic, body: None,
        on_connect: Callable[[], None] = lambda: None,
        on_lost: Callable[[], None] = lambda: None,
        retry_s: float = 0.1,
    ) -> None:
        self.name = name
        self._path = path
        self._on_push = on_push
        self._on_connect = on_connect
        self._on_lost = on_lost
        self._retry_s = retry_s
        self._ids = itertools.count(1)
        self._pending: dict[int, asyncio.Future[Reply]] = {}
        self._writer: asyncio.StreamWriter | None = None

    @property
    def connected(self) -> bool:
        return self._writer is not None

    async def run(self, ctx: Context) -> None:
        ctx.ready()
        await ctx.until_stopped(self._stay_connected(ctx))

    async def _stay_connected(self, ctx: Context) -> None:
        while True:
            try:
                reader, self._writer = await asyncio.open_unix_connection(self._path)
            except OSError:
                await asyncio.sleep(self._retry_s)
                continue
            await self._converse(ctx, reader)
            await asyncio.sleep(self._retry_s)

    async def request(self, op: str, args: Mapping[str, Any] | None = None, *, timeout_s: float = 10.0) -> Reply:
        """Raises PeerGone when nobody is there, TimedOut, or the error that the other side raised."""
        if self._writer is None:
            raise PeerGone(f"{self.name} is not running")
        number = next(self._ids)
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._pending[number] = future
        try:
            self._writer.write(_frame({"t": "req", "id": number, "op": op, "args": args or {}}))
            async with asyncio.timeout(timeout_s):
                return await future
        except TimeoutError:
            raise TimedOut(f"{self.name} did not answer {op} within {timeout_s:g} s") from None
        finally:
            self._pending.pop(number, None)

    async def _converse(self, ctx: Context, reader: asyncio.StreamReader) -> None:
        try:
            self._on_connect()
            await self._read_on(ctx, reader)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._hang_up()

    async def _read_on(self, ctx: Context, reader: asyncio.StreamReader) -> None:
        while True:
            message, blob = await _receive(reader)
            ctx.progress()
            if message["t"] == "push":
                self._on_push(message["topic"], message["body"])
            else:
                self._settle(message, blob)

    def _settle(self, message: Mapping[str, Any], blob: bytes) -> None:
        future = self._pending.get(message["id"])
        if future is None or future.done():
            return
        if message["t"] == "res":
            future.set_result(Reply(message["body"], blob))
        else:
            future.set_exception(revive(message["family"], message["code"], message["message"]))

    def _hang_up(self) -> None:
        if self._writer is not None:
            self._writer.close()
        self._writer = None
        for future in self._pending.values():
            if not future.done():
                future.set_exception(PeerGone(f"{self.name} went away"))
        self._on_lost()
