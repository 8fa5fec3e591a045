"""Access units from the media process over its Unix socket, and feedback back to it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

from edge.model.errors import Fault
from edge.model.feedback import Demotion, Feedback, KeyframeRequest, LinkReport
from edge.model.frame import AccessUnit
from edge.runtime.component import Context
from edge.runtime.log import OutageLog
from edge.runtime.unit_wire import LENGTH, MAX_MESSAGE, UnitReader, pack_feedback

_LOG = logging.getLogger(__name__)
_READ_AHEAD = 4 << 20
_UNREAD_FEEDBACK = 64 << 10
_NOT_UNDERSTOOD = (Fault, ValueError, KeyError, TypeError)


class UnitFeed:
    """Component: stays connected to a rung's media process, for ever trying again after its death.

    While `wanted` says no it lets go of the connection, so that nothing is encoded for nobody. `on_unit` gets each
    access unit, `on_demotion` what is decided of a receiver; `on_connect` is called before the first unit of a
    connection. All run in the event loop. Feedback is dropped while nobody is connected.
    """

    critical = False
    stall_s = None

    def __init__(
        self,
        *,
        rung: str,
        path: Path,
        on_unit: Callable[[AccessUnit], None],
        on_connect: Callable[[], None] = lambda: None,
        on_demotion: Callable[[Demotion], None] = lambda _: None,
        wanted: Callable[[], bool] = lambda: True,
        retry_s: float = 0.1,
    ) -> None:
        self.name = f"unit-feed-{rung}"
        self._path = path
        self._on_unit = on_unit
        self._on_connect = on_connect
        self._on_demotion = on_demotion
        self._wanted = wanted
        self._retry_s = retry_s
        self._writer: asyncio.StreamWriter | None = None
        self._outage = OutageLog(_LOG, f"access units of {rung}")
        self.latest: AccessUnit | None = None

    @property
    def connected(self) -> bool:
        return self._writer is not None

    async def run(self, ctx: Context) -> None:
        ctx.ready()
        await ctx.until_stopped(self._stay_connected(ctx))

    def request_keyframe(self, sink: str, reason: str) -> None:
        self._send(KeyframeRequest(sink=sink, reason=reason))

    def report_link(self, report: LinkReport) -> None:
        self._send(report)

    async def _stay_connected(self, ctx: Context) -> None:
        while True:
            if not self._wanted():
                await asyncio.sleep(self._retry_s)
                continue
            try:
                reader, writer = await asyncio.open_unix_connection(self._path, limit=_READ_AHEAD)
            except OSError as error:
                self._outage.failed(f"media process not reachable: {error.strerror}")
            else:
                await self._converse(ctx, reader, writer)
            await asyncio.sleep(self._retry_s)

    async def _converse(self, ctx: Context, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self._outage.recovered()
        try:
            self._on_connect()
            await self._read_on(ctx, reader)
        except (asyncio.IncompleteReadError, ConnectionError):
            self._outage.failed("media process went away")
        except _NOT_UNDERSTOOD as error:
            self._outage.failed(f"media process not understood: {error}")
        finally:
            self._writer = None
            writer.close()

    async def _read_on(self, ctx: Context, reader: asyncio.StreamReader) -> None:
        units = UnitReader()
        while self._wanted():
            (size,) = LENGTH.unpack(await reader.readexactly(LENGTH.size))
            if size > MAX_MESSAGE:
                raise Fault(f"a message of {size} bytes is over the limit of {MAX_MESSAGE}")
            message = units.feed(await reader.readexactly(size))
            if isinstance(message, Demotion):
                self._on_demotion(message)
            elif message is not None:
                self.latest = message
                self._on_unit(message)
                await asyncio.sleep(0)  # after a stall many units are here at once: each is sent before the next comes
            ctx.progress()

    def _send(self, feedback: Feedback) -> None:
        writer = self._writer
        if writer is None or writer.is_closing() or writer.transport.get_write_buffer_size() > _UNREAD_FEEDBACK:
            return
        writer.write(pack_feedback(feedback))
