"""Processes that are killed and started again, each ended by its own pid."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from edge.link.local_broker import local_broker
from tests.broker_program import opened
from tests.running_box import end_with_the_tests, free_port

ROOT = Path(__file__).resolve().parents[2]


class Program:
    """`deaths` counts kills. What it says goes to `log`."""

    def __init__(self, name: str, argv: Sequence[str], log: Path) -> None:
        self.name = name
        self.log = log
        self.deaths = 0
        self._argv = argv
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def ended(self) -> int | None:
        """Its exit code, None while it runs."""
        return None if self._process is None else self._process.poll()

    def start(self) -> None:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._argv, stdout=log, stderr=log, cwd=ROOT, preexec_fn=end_with_the_tests
            )

    def kill(self) -> None:
        """SIGKILL; nothing of it is left when this returns."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
            self.deaths += 1

    def crashed(self) -> bool:
        """Whether it ended by itself, which none of them should."""
        return self.ended not in (None, 0)


class Mosquitto(Program):
    """Keeps its messages on disk, but as Mosquitto does: once a second, not before each PUBACK."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        argv = local_broker(self.port, folder)
        config = Path(argv[-1])
        lines = config.read_text().replace("persistence false", "persistence true")
        lines = lines.replace("max_queued_messages 2000", "max_queued_messages 100000")
        config.write_text(f"{lines}persistence_location {folder}/\nautosave_interval 1\nuser root\n")
        super().__init__("broker", argv, folder / "log")

    async def begin(self) -> None:
        """Start and wait until it listens."""
        self.start()
        deadline_s = time.monotonic() + 20
        while time.monotonic() < deadline_s:
            if opened(self.port):
                return
            await asyncio.sleep(0.02)
        raise AssertionError(f"mosquitto did not open port {self.port} within 20 s")


def python(name: str, module: str, *words: object, log: Path) -> Program:
    return Program(name, [sys.executable, "-m", module, *(str(word) for word in words)], log)
