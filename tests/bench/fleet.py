"""A fleet of simulated boxes at one Mosquitto on this machine: `make bench-fleet`, or ARGS="--boxes 200" for a trial.

Boxes (one process, the real link of each), broker and controller share the machine's cores.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edge.controller.client import Controller
from edge.controller.home import Home
from edge.link.engine import Broker
from edge.model.command import ResultState
from edge.model.errors import EdgeError
from tests.bench.conditions import conditions, cpu_s, percentile, rss_mb, say
from tests.bench.fleet_stand import REPOSITORY, Loads, LoudMosquitto, busiest_second, fleet_process, last_eseqs
from tests.bench.quality_table import table

COMMANDS_A_S = 50
_ALONE_S = 30.0
_AWAY_S = 2.0


@dataclass(slots=True)
class Heard:
    """Which events of each box the controller was told of, by epoch and number."""

    numbers: defaultdict[str, list[tuple[str, int]]] = field(default_factory=lambda: defaultdict(list))

    def event(self, box: str, event: Mapping[str, Any]) -> None:
        self.numbers[box].append((str(event["epoch"]), int(event["eseq"])))

    def doubled(self) -> int:
        return sum(len(told) - len(set(told)) for told in self.numbers.values())

    def missing(self, last: Mapping[str, int]) -> int:
        return sum(len(set(range(1, count + 1)) - {n for _, n in self.numbers[box]}) for box, count in last.items())

    def total(self) -> int:
        return sum(map(len, self.numbers.values()))


@dataclass(slots=True)
class Rows:
    """The table: what, figure, target, met or not."""

    lines: list[list[str]] = field(default_factory=list)

    def judge(self, what: str, figure: float, target: float, unit: str, digits: int = 1) -> None:
        met = "met" if figure <= target else "NOT MET"
        self.lines.append([what, f"{figure:.{digits}f} {unit}".strip(), f"<= {target:g} {unit}".strip(), met])


class Bench:
    def __init__(self, options: argparse.Namespace, folder: Path) -> None:
        self.boxes = int(options.boxes)
        self.spread_s = float(options.spread)
        self.command_s = float(options.command_s)
        self.ramp_s = float(options.ramp)
        self.folder = folder
        self.rows = Rows()
        self.heard = Heard()
        self.chance = random.Random(1)  # noqa: S311  which boxes are commanded
        self.mosquitto = LoudMosquitto(folder)

    async def run(self) -> None:
        self.mosquitto.start()
        home = Home(self.folder / "home")
        broker = Broker("127.0.0.1", self.mosquitto.port)
        try:
            async with Controller(
                broker=broker, key=home.key(), home=home, follow=True, on_event=self.heard.event
            ) as controller:
                began_s = time.monotonic()
                with fleet_process(
                    self.mosquitto.port, self.folder, self.boxes, ramp_s=self.ramp_s, spread_s=self.spread_s
                ) as process:
                    await self._all_arrive(controller, began_s)
                    await self._idle(process)
                    await self._commands(controller, process)
                    await self._restart(controller)
                self._compare()
        finally:
            self.mosquitto.kill()

    async def _all_arrive(self, controller: Controller, began_s: float) -> None:
        await until(lambda: reported(controller) >= self.boxes, 600, lambda: f"{reported(controller)} reported")
        self.rows.judge("all connected and reported", time.monotonic() - began_s, 60, "s")
        say(f"   retained, of {self.boxes} boxes: broker {rss_mb(self.mosquitto.pid):.0f} MB in all")

    async def _idle(self, process: subprocess.Popen[bytes]) -> None:
        await asyncio.sleep(10)
        loads = Loads(boxes=process.pid, broker=self.mosquitto.pid)
        await asyncio.sleep(20)
        say(f"   at rest, a tenth streaming: {loads}")

    async def _commands(self, controller: Controller, process: subprocess.Popen[bytes]) -> None:
        took_ms: list[float] = []
        failed: list[str] = []
        names = [view.id for view in controller.fleet.boxes()]
        loads = Loads(boxes=process.pid, broker=self.mosquitto.pid)
        own_s, began_s = time.process_time(), time.monotonic()

        async def one(at_s: float) -> None:
            await asyncio.sleep(max(0.0, at_s - time.monotonic()))
            op = self.chance.choice(("stream.start", "stream.stop"))
            try:
                result = await controller.send(self.chance.choice(names), op, {"sink": "srt"}, timeout_s=30)
                took_ms.append((time.monotonic() - at_s) * 1000)
                if result.st is not ResultState.DONE:
                    failed.append(f"{result.st} {result.code}")
            except EdgeError as error:
                failed.append(str(error))

        async with asyncio.TaskGroup() as group:
            for n in range(int(self.command_s * COMMANDS_A_S)):
                group.create_task(one(began_s + n / COMMANDS_A_S))
        own = 100 * (time.process_time() - own_s) / (time.monotonic() - began_s)
        say(f"   at {COMMANDS_A_S} commands/s: {loads}, controller {own:.1f} %")
        if took_ms:
            self.rows.judge("command to result, p50", percentile(took_ms, 0.5), 100, "ms")
            self.rows.judge("command to result, p99", percentile(took_ms, 0.99), 1000, "ms")
        self.rows.judge(f"commands that failed, of {len(took_ms) + len(failed)}", len(failed), 0, "", 0)
        for sentence in sorted(set(failed))[:5]:
            say(f"   {sentence}")

    async def _restart(self, controller: Controller) -> None:
        """Alarms are raised before and cleared while the broker is away."""
        names = [view.id for view in controller.fleet.boxes()]
        troubled = self.chance.sample(names, min(100, len(names)))
        sent = [controller.send(box, "sim.fault", {"fault": "no_signal", "seconds": 1}) for box in troubled]
        await asyncio.gather(*sent, return_exceptions=True)
        before = {view.id: view.link.get("sess", 0) for view in controller.fleet.boxes()}
        self.mosquitto.kill()
        await asyncio.sleep(_AWAY_S)
        seen = len(self.mosquitto.connects)
        self.mosquitto.start()
        began_s = time.monotonic()

        def back() -> int:
            boxes = controller.fleet.boxes()
            return sum(view.online and view.link.get("sess", 0) > before[view.id] for view in boxes)

        await until(lambda: back() >= self.boxes, self.spread_s + 300, lambda: f"{back()} of {self.boxes} back")
        came = [(at_s, name) for at_s, name in self.mosquitto.connects[seen:] if name.startswith("sim-")]
        times_s = [at_s for at_s, _ in came]
        first = {name: at_s for at_s, name in reversed(came)}
        limit = 3 * self.boxes / self.spread_s
        self.rows.judge("connections in the busiest second", busiest_second(times_s), limit, "/s", 0)
        self.rows.judge("all connected again", max(first.values()) - began_s, self.spread_s + 30, "s")
        self.rows.judge("all seen by the controller again", time.monotonic() - began_s, self.spread_s + 30, "s")
        say(f"   {len(came)} connections of {len(first)} boxes after the restart")
        await self._settle()

    async def _settle(self) -> None:
        """Until the controller has heard nothing new for 5 s, or for 90 s."""
        deadline_s, count, since_s = time.monotonic() + 90, -1, 0.0
        while time.monotonic() < deadline_s:
            if self.heard.total() != count:
                count, since_s = self.heard.total(), time.monotonic()
            if time.monotonic() - since_s >= 5 and not self.heard.missing(last_eseqs(self.folder)):
                return
            await asyncio.sleep(0.5)

    def _compare(self) -> None:
        last = last_eseqs(self.folder)
        say(f"   {sum(last.values())} events and results given out, {self.heard.total()} told")
        self.rows.judge("events lost", self.heard.missing(last), 0, "", 0)
        self.rows.judge("events doubled", self.heard.doubled(), 0, "", 0)


def alone(rows: Rows, folder: Path) -> None:
    """One box's link as a process of its own (tests/mqtt_box.py), connected and idle."""
    mosquitto = LoudMosquitto(folder)
    mosquitto.start()
    argv = [sys.executable, "-m", "tests.mqtt_box", str(mosquitto.port), str(folder / "box")]
    process = subprocess.Popen(argv, cwd=REPOSITORY)
    try:
        deadline_s = time.monotonic() + 30
        while not mosquitto.connects and time.monotonic() < deadline_s:
            time.sleep(0.1)
        time.sleep(5)
        began_s, used_s = time.monotonic(), cpu_s(process.pid)
        time.sleep(_ALONE_S)
        share = 100 * (cpu_s(process.pid) - used_s) / (time.monotonic() - began_s)
        rows.judge("the link of one box as a process, resident", rss_mb(process.pid), 60, "MB")
        rows.judge("the same, connected and idle, of a core", share, 1, "%", 2)
    finally:
        process.kill()
        process.wait()
        mosquitto.kill()


def reported(controller: Controller) -> int:
    return sum(view.online and bool(view.state) for view in controller.fleet.boxes())


async def until(true: Callable[[], bool], limit_s: float, what: Callable[[], str]) -> None:
    deadline_s = time.monotonic() + limit_s
    while not true():
        if time.monotonic() > deadline_s:
            raise AssertionError(f"only {what()} within {limit_s:g} s")
        await asyncio.sleep(0.1)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench fleet", description=__doc__)
    parser.add_argument("--boxes", type=int, default=2000)
    parser.add_argument("--ramp", type=float, default=30, metavar="S", help="the boxes start over so long")
    parser.add_argument("--spread", type=float, default=30, metavar="S", help="reconnect_spread_s of the boxes")
    parser.add_argument("--command-s", type=float, default=60, metavar="S", help="how long commands are sent")
    options = parser.parse_args(sys.argv[1:])
    say(conditions())
    say(
        f"{options.boxes} boxes started over {options.ramp:g} s, reconnect_spread_s {options.spread:g}, "
        f"one Mosquitto without TLS, killed and away for {_AWAY_S:g} s"
    )
    with tempfile.TemporaryDirectory(prefix="fleet-") as first, tempfile.TemporaryDirectory(prefix="fleet-") as second:
        bench = Bench(options, Path(first))
        asyncio.run(bench.run())
        alone(bench.rows, Path(second))
    say(table(["", "figure", "target", ""], bench.rows.lines))


if __name__ == "__main__":
    main()
