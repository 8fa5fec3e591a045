"""What every process root does: logging, signals, supervision."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Awaitable, Callable

from edge.runtime.log import set_up_logging
from edge.runtime.supervisor import Supervisor

_URGENT_NICE = -10


def claim_urgency() -> None:
    """Put this process before others where we may: pictures wait for nobody. Needs CAP_SYS_NICE."""
    with contextlib.suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, _URGENT_NICE)


def run_process(
    name: str,
    level: str,
    body: Callable[[Supervisor], Awaitable[None]],
    *,
    make_supervisor: Callable[[], Supervisor] = Supervisor,
) -> int:
    """Run `body` under a supervisor until SIGTERM or SIGINT. The exit code."""
    set_up_logging(name, level=level)

    async def main() -> None:
        supervisor = make_supervisor()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, supervisor.stop)
        await body(supervisor)

    asyncio.run(main())
    return 0
