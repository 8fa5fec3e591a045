"""Many simulated boxes in one process, at one broker."""

from __future__ import annotations

import asyncio
import gc
import logging
import resource
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from edge.app.sim_box import Shared, SimBox
from edge.model.errors import EdgeError, Invalid
from edge.runtime.backoff import Backoff
from edge.runtime.component import Context

_LOG = logging.getLogger(__name__)
_FILES_OF_A_BOX = 5  # one socket; database, its log, its index; one to spare
_OWN_FILES = 64
_AFTER_RAMP_S = 2.0


@dataclass(frozen=True, slots=True)
class FleetCount:
    """How it stands: boxes online; commands run; letters that wait for the controller; why boxes are not online."""

    boxes: int
    online: int
    commands: int
    waiting: int
    troubles: tuple[tuple[str, int], ...]

    def __str__(self) -> str:
        why = ", ".join(f"{code} {count}" for code, count in self.troubles)
        line = f"{self.online} of {self.boxes} online, {self.commands} commands run, {self.waiting} letters wait"
        return f"{line}; {why}" if why else line


class FleetSim:
    """Boxes `PREFIX-00001` and on, started over `ramp_s` seconds; the share `streaming` of them streams at once."""

    def __init__(
        self, *, shared: Shared, folder: Path, prefix: str, first: int, count: int, ramp_s: float, streaming: float
    ) -> None:
        self._ramp_s = ramp_s
        names = box_names(prefix, first, count)
        self._boxes = [
            SimBox(name, shared=shared, state_dir=folder / name, streaming=index < streaming * count)
            for index, name in enumerate(names)
        ]
        self._contexts: list[Context] = []
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Until `stop`; each box has then said good-bye."""
        async with asyncio.TaskGroup() as group:
            for index, box in enumerate(self._boxes):
                ctx = Context()
                self._contexts.append(ctx)
                group.create_task(self._keep(box, ctx, self._ramp_s * index / len(self._boxes)), name=box.id)
            group.create_task(self._set_aside_what_stays(), name="fleet garbage")

    def stop(self) -> None:
        self._stopping.set()
        for ctx in self._contexts:
            ctx.ask_to_stop()

    def count(self) -> FleetCount:
        boxes = self._boxes
        troubles = Counter(box.trouble for box in boxes if box.trouble)
        online, commands = sum(box.online for box in boxes), sum(box.commands for box in boxes)
        return FleetCount(
            len(boxes), online, commands, sum(box.waiting for box in boxes), tuple(troubles.most_common(3))
        )

    async def _keep(self, box: SimBox, ctx: Context, delay_s: float) -> None:
        backoff = Backoff()
        wait_s = delay_s
        while not await self._stops_within(wait_s):
            try:
                await box.run(ctx)
            except EdgeError as error:
                _LOG.error("%s: %s", box.id, error)
            wait_s = backoff.next_wait_s()

    async def _set_aside_what_stays(self) -> None:
        """Of thousands of boxes: walking all their objects, the garbage collector would stop everybody for a second."""
        if not await self._stops_within(self._ramp_s + _AFTER_RAMP_S):
            gc.collect()
            gc.freeze()

    async def _stops_within(self, seconds: float) -> bool:
        if not self._stopping.is_set():
            try:
                async with asyncio.timeout(seconds):
                    await self._stopping.wait()
            except TimeoutError:
                return False
        return True


def box_names(prefix: str, first: int, count: int) -> Sequence[str]:
    return [f"{prefix}-{number:05d}" for number in range(first, first + count)]


def make_room(
    boxes: int, *, limits: Callable[[], tuple[int, int]] = lambda: resource.getrlimit(resource.RLIMIT_NOFILE)
) -> int:
    """Raise this process's limit of open files to what so many boxes need; what it is then.

    Raises Invalid `too_many_boxes` naming the limit.
    """
    soft, hard = limits()
    need = boxes * _FILES_OF_A_BOX + _OWN_FILES
    if hard not in (resource.RLIM_INFINITY,) and need > hard:
        most = (hard - _OWN_FILES) // _FILES_OF_A_BOX
        raise Invalid(
            f"{boxes} boxes need {need} open files and {hard} are allowed (ulimit -Hn): {most} boxes fit",
            code="too_many_boxes",
        )
    if soft < need:
        resource.setrlimit(resource.RLIMIT_NOFILE, (need, hard))
    return max(soft, need)
