"""Broker, box and controller of one measurement, and what is on their disks afterwards."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from edge.controller.home import Home, KnownBox
from edge.link.identity import box_id
from edge.vault.keyring import Keyring, trusted_key
from tests.durability.programs import Mosquitto, Program, python
from tests.mqtt_orders import FAR_S, trust


class Stand:
    """Use as `async with Stand(...)`. The box trusts the controller's key and that of tests.mqtt_orders."""

    def __init__(self, folder: Path, *, events: int = 0, commands: int = 0, rate: float = 50.0) -> None:
        self.folder = folder
        self.state_dir = folder / "box"
        self.home = folder / "controller"
        self.box_id = box_id(self.state_dir)
        self.broker = Mosquitto(_made(folder / "broker"))
        port = self.broker.port
        self.box = python(
            "box", "tests.durability.box", port, self.state_dir, "--events", events, log=folder / "box.log"
        )
        words = (port, self.home, self.box_id, "--commands", commands, "--rate", rate)
        self.controller = python("controller", "tests.durability.controller", *words, log=folder / "controller.log")
        self._enrol(port)

    async def __aenter__(self) -> Self:
        await self.broker.begin()
        self.box.start()
        return self

    async def __aexit__(self, *error: object) -> None:
        for program in self.programs:
            program.kill()

    @property
    def programs(self) -> Sequence[Program]:
        return self.box, self.broker, self.controller

    async def restart(self, program: Program) -> None:
        program.kill()
        if isinstance(program, Mosquitto):
            await program.begin()
        else:
            program.start()

    def check_alive(self) -> None:
        """Raises AssertionError when a program ended that was not killed."""
        for program in self.programs:
            if program.crashed():
                tail = program.log.read_text(errors="replace")[-3000:]
                raise AssertionError(f"{program.name} ended by itself with {program.ended}: {tail}")

    async def until(self, true: Callable[[], bool], what: str, *, timeout_s: float) -> float:
        """Seconds it took."""
        begun_s = time.monotonic()
        while not await asyncio.to_thread(true):
            self.check_alive()
            if time.monotonic() - begun_s > timeout_s:
                raise AssertionError(f"not within {timeout_s:g} s: {what}")
            await asyncio.sleep(0.2)
        return time.monotonic() - begun_s

    def runs(self) -> list[str]:
        path = self.state_dir / "runs.txt"
        return path.read_text().split("\n")[:-1] if path.exists() else []

    def box_disk(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        return read(self.state_dir / "link.sqlite", query, *values)

    def controller_disk(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        return read(self.home / "ledger.sqlite", query, *values)

    def record(self) -> list[Mapping[str, Any]]:
        """Every event and result that the controller took in, in its order; gaps it gave up are None."""
        rows = self.controller_disk("SELECT gap, body FROM events ORDER BY n")
        return [json.loads(body) if not gap else {"gap": json.loads(body)} for gap, body in rows]

    def _enrol(self, port: int) -> None:
        home = Home(self.home)
        key = home.key()
        home.remember(KnownBox(self.box_id, "127.0.0.1", port))
        ring = Keyring(self.state_dir / "controllers.json")
        ring.add(trust())
        public = key.public.base64
        ring.add(trusted_key(kid=key.kid, public=public, ops=("*",), boxes=("*",), not_after_s=FAR_S))


def read(path: Path, query: str, *values: object) -> list[tuple[Any, ...]]:
    """What is on disk, seen by another program; nothing while there is no file or table."""
    if not path.exists():
        return []
    db = sqlite3.connect(path, timeout=10)
    try:
        return db.execute(query, values).fetchall()
    except sqlite3.OperationalError as error:
        if "no such table" in str(error):
            return []
        raise
    finally:
        db.close()


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder
