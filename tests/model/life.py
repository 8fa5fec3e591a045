"""One after another, the processes of a part of the model; each can be killed at any moment."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from typing import Any

from tests.model.steploop import Process, StepLoop


class Lives(ABC):
    """`lives` counts its processes, `process` is the one that runs now."""

    def __init__(self, loop: StepLoop, name: str) -> None:
        self._loop = loop
        self._name = name
        self.lives = 0
        self.process: Process | None = None
        self._main: asyncio.Task[Any] | None = None

    @property
    def alive(self) -> bool:
        return self.process is not None

    def start(self) -> None:
        self.lives += 1
        self.process = Process(self._loop, f"{self._name} {self.lives}")
        self._main = self.process.start(self._run())

    def kill(self) -> None:
        assert self.process is not None
        process, self.process = self.process, None
        process.kill()

    def check_healthy(self) -> None:
        """Raises what ended it unasked."""
        if self._main is not None and self._main.done() and self.alive:
            self._main.result()
            raise AssertionError(f"the {self._name} ended although nobody asked it to")

    @abstractmethod
    async def _run(self) -> None: ...
