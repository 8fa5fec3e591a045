"""The controller of these measurements: `python -m tests.durability.controller PORT HOME BOX [--commands N]`.

The real one, with its ledger on disk. It sends so many commands, each under an id of its own, and ends when all have
their final result; begun again it goes on with those that have none. Without commands it takes in events for ever.
"""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

from edge.controller import client
from edge.controller.client import Controller
from edge.controller.home import Home
from edge.link.engine import Broker
from edge.model.errors import Busy, Unavailable
from edge.runtime.backoff import Backoff
from tests.durability.box import OPS

_AT_ONCE = 16


def id_of(number: int) -> str:
    return f"0000{number:06d}"


async def _one(controller: Controller, box: str, number: int, room: asyncio.Semaphore) -> None:
    async with room:
        name = id_of(number)
        while True:
            try:
                await controller.send(box, OPS[number % len(OPS)], {"run": name}, id=name, timeout_s=60.0)
                return
            except (Unavailable, Busy):
                await asyncio.sleep(0.1)


async def _run(options: argparse.Namespace) -> None:
    home = Home(options.home)
    key = home.key()
    while True:
        try:
            async with Controller(
                broker=Broker("127.0.0.1", options.port), key=key, home=home, follow=True
            ) as controller:
                await _send_all(controller, options)
                return
        except Unavailable:
            await asyncio.sleep(0.2)


async def _send_all(controller: Controller, options: argparse.Namespace) -> None:
    if not options.commands:
        await asyncio.Event().wait()
    done = await controller.ledger.run(
        lambda db: {row[0] for row in db.execute("SELECT id FROM commands WHERE result IS NOT NULL")}
    )
    room = asyncio.Semaphore(_AT_ONCE)
    async with asyncio.TaskGroup() as group:
        for number in range(options.commands):
            if id_of(number) not in done:
                group.create_task(_one(controller, options.box, number, room))
                await asyncio.sleep(1 / options.rate)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("home", type=Path)
    parser.add_argument("box")
    parser.add_argument("--commands", type=int, default=0)
    parser.add_argument("--rate", type=float, default=50.0, help="commands a second at most")
    options = parser.parse_args()
    client.Backoff = lambda: Backoff(cap_s=2.0)  # type: ignore[misc,assignment]
    asyncio.run(_run(options))


if __name__ == "__main__":
    main()
