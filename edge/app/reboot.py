"""The operation `system.reboot`: the machine, or on the simulated board and under `edge run` the box's processes."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import Awaitable, Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from edge.app.arguments import Arguments
from edge.config.model import Config
from edge.config.source import SourceKind
from edge.model.command import Lane, Op
from edge.model.errors import Unavailable
from edge.runtime.command_bus import CommandBus
from edge.runtime.component import Context

_LOG = logging.getLogger(__name__)
_GRACE_S = 1.0
_INIT = 1
_SYSTEMD = Path("/run/systemd/system")  # sd_booted(3)


class Reboot:
    """Component. The command is done once the reboot is certain to come: the journal, not the reboot,
    keeps it from a second run.

    It begins when `written` returns, which says that every result so far is on disk, and a moment later,
    in which the result may still reach the controller. `tell` is told `reboot.failed` with the reason.
    """

    name = "reboot"
    critical = False
    stall_s = None

    def __init__(
        self,
        *,
        begin: Callable[[], Awaitable[None]],
        written: Callable[[], Awaitable[None]],
        tell: Callable[[str, Mapping[str, Any]], None],
        whole_machine: bool,
        grace_s: float = _GRACE_S,
    ) -> None:
        self._begin = begin
        self._written = written
        self._tell = tell
        self._whole_machine = whole_machine
        self._grace_s = grace_s
        self._due = asyncio.Event()

    def register(self, bus: CommandBus) -> None:
        bus.register(Op.SYSTEM_REBOOT, Lane.SYSTEM, self._ask)

    async def run(self, ctx: Context) -> None:
        """Raises Unavailable `reboot_failed`."""
        ctx.ready()
        await ctx.until_stopped(self._wait())

    async def _ask(self, args: Mapping[str, Any]) -> Mapping[str, Any]:
        Arguments(args).done()
        self._due.set()
        return {"restarts": "machine" if self._whole_machine else "processes"}

    async def _wait(self) -> None:
        await self._due.wait()
        self._due.clear()
        await self._written()
        await asyncio.sleep(self._grace_s)
        _LOG.warning("restarting by command")
        try:
            await self._begin()
        except Unavailable as error:
            self._tell("reboot.failed", {"reason": str(error)})
            raise
        await asyncio.Event().wait()  # whatever ends this, ends us


def is_machine_ours(config: Config) -> bool:
    """Whether init started us: a machine that somebody works at is not ours to reboot, nor for a simulated board."""
    return config.source.kind is not SourceKind.SIM and os.getppid() == _INIT and _SYSTEMD.is_dir()


async def reboot_machine() -> None:
    """Raises Unavailable `reboot_failed`."""
    try:
        process = await asyncio.create_subprocess_exec("systemctl", "reboot")
        code = await process.wait()
    except OSError as error:
        raise Unavailable(f"systemctl: {error.strerror}", code="reboot_failed") from error
    if code != 0:
        raise Unavailable(f"systemctl reboot ended with {code}", code="reboot_failed")


async def restart_processes(pids: Iterable[int | None]) -> None:
    """End these; who supervises them starts them again."""
    for pid in pids:
        if pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
