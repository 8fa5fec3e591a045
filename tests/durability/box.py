"""The box of these measurements: `python -m tests.durability.box PORT STATE_DIR [--events N]`.

Only its link. Each run of an operation is one write(2) to a file opened with O_APPEND, before anything else:
the page cache has it whatever is killed. The longest wait for a broker is 2 s instead of 300.
With `--events` it says so many events, as fast as its disk takes them, going on where an earlier process stopped.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edge.link import retry
from edge.model.command import Lane
from edge.runtime.component import Context
from tests.mqtt_box import LinkBox

CAP_S = 2.0
_AT_ONCE = 200
_LANES = {"count.system": Lane.SYSTEM, "count.record": Lane.RECORD, "count.stream": Lane.STREAM}
OPS = (*_LANES, "count.slowly")


class CountingBox(LinkBox):
    def __init__(self, *, port: int, state_dir: Path) -> None:
        super().__init__(port=port, state_dir=state_dir)
        self._runs = os.open(self.runs_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        for op, lane in _LANES.items():
            self.bus.register(op, lane, self._count)
        self.bus.register("count.slowly", Lane.CONFIG, self._slowly)

    async def _count(self, args: Mapping[str, Any]) -> Mapping[str, Any]:
        os.write(self._runs, f"{args['run']}\n".encode())
        return {"run": args["run"]}

    async def _slowly(self, args: Mapping[str, Any]) -> Mapping[str, Any]:
        os.write(self._runs, f"{args['run']}\n".encode())
        await asyncio.sleep(0.05)
        return {"run": args["run"]}


async def _say(box: CountingBox, count: int) -> None:
    """Events numbered from 1; no more at once than the link holds in memory."""
    said = await asyncio.to_thread(_said, box.state_dir / "link.sqlite")
    while said < count:
        for _ in range(min(_AT_ONCE, count - said)):
            said += 1
            box.link.life("bench.event", {"n": said})
        await box.link.events_written()


def _said(path: Path) -> int:
    """How many are on disk. Their numbers begin after `box.started`, one for each process before."""
    db = sqlite3.connect(path)
    try:
        return int(db.execute("SELECT COUNT(*) FROM outbox WHERE code = 'bench.event'").fetchone()[0])
    except sqlite3.OperationalError:
        return 0
    finally:
        db.close()


async def _run(box: CountingBox, events: int) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(box.link.run(Context()))
        if events:
            group.create_task(_say(box, events))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("state_dir", type=Path)
    parser.add_argument("--events", type=int, default=0)
    options = parser.parse_args()
    retry.CAP_S = CAP_S
    box_run = _begin(options)
    asyncio.run(box_run)


async def _begin(options: argparse.Namespace) -> None:
    await _run(CountingBox(port=options.port, state_dir=options.state_dir), options.events)


if __name__ == "__main__":
    main()
