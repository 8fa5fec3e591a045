"""A rung's stream at its own pace for sinks of tests, and what a receiver made of it."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from edge.media.distributor import Distributor
from edge.media.keyframe_gate import KeyframeGate
from edge.media.latency import LatencyBook
from edge.model import sei
from edge.model.frame import AccessUnit, Stamps
from edge.model.status import SinkState
from edge.ports import Sink
from edge.runtime.clock import SystemClock
from tests.srt_peers import wait_until
from tests.ts_reader import pes_list, unit_of_pes

FPS = 30


class Published:
    """Real distributor, real sinks: the units one after another at 30 a second, from the moment all sinks are live."""

    def __init__(self, units: list[AccessUnit], *sinks: Sink) -> None:
        clock = SystemClock()
        self.distributor = Distributor(gate=KeyframeGate(clock=clock), latency=LatencyBook(clock=clock), clock=clock)
        self.count = 0
        self._units, self._sinks = units, sinks
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def wait_for(self, more: int) -> None:
        """Until so many more units have been published."""
        aim = self.count + more
        wait_until(lambda: self.count >= aim, f"{more} more units", timeout_s=30 + more / FPS)

    def state(self, name: str) -> SinkState:
        return next(report.state for report in self.distributor.reports() if report.name == name)

    def __enter__(self) -> Self:
        for sink in self._sinks:
            self.distributor.attach(sink)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        self._stopping.set()
        self._thread.join(10)
        self.distributor.close()

    def _run(self) -> None:
        begin_s = time.monotonic()
        for index, unit in enumerate(self._units):
            if self._stopping.wait(max(0.0, begin_s + index / FPS - time.monotonic())):
                return
            now_ns = time.monotonic_ns()
            self.distributor.publish(replace(unit, stamps=Stamps(now_ns, now_ns, now_ns, now_ns)))
            self.count += 1


def sequence(units: list[AccessUnit], received: Path) -> list[int]:
    """The sequence numbers of the units in a file of MPEG-TS, the last one, which may be cut off, left out."""
    ts = received.read_bytes()
    found = [sei.find(units[0].format.codec, unit_of_pes(pes)) for pes in pes_list(ts[: len(ts) // 188 * 188])[:-1]]
    return [one.seq for one in found if one is not None]


def missing(numbers: list[int]) -> list[int]:
    """What is not there between the first and the last."""
    return sorted(set(range(numbers[0], numbers[-1] + 1)) - set(numbers))
