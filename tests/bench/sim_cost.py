"""What the simulated board costs: CPU of one core for reading its frames at the full rate.

Run: python tests/bench/sim_cost.py [WIDTHxHEIGHT@FPS] [SECONDS]
"""

from __future__ import annotations

import os
import platform
import statistics
import sys
import time

from board.sim.fault import parse_fault
from board.sim.source import SimSource
from edge.media.painter import PillowPainter
from edge.model.frame import Frame
from edge.runtime.clock import SystemClock


def measure(source: SimSource, seconds: float) -> tuple[float, list[int]]:
    """(CPU seconds of this process, capture-to-dequeue times in ns) over that wall time."""
    source.open()
    waits: list[int] = []
    end, cpu = time.monotonic() + seconds, time.process_time()
    while time.monotonic() < end:
        taken = source.read(0.2)
        if isinstance(taken, Frame):
            waits.append(taken.stamps.dequeued_ns - taken.stamps.captured_ns)
            taken.lease.release()
    return time.process_time() - cpu, waits


def main(arguments: list[str] | None = None) -> None:
    words = sys.argv[1:] if arguments is None else arguments
    mode = parse_fault(f"mode:{words[0] if words else '1920x1080@60'}").mode
    seconds = float(words[1]) if len(words) > 1 else 10.0
    if mode is None:
        return
    clock = SystemClock()
    source = SimSource(clock=clock, painter=PillowPainter(), width=mode.width, height=mode.height, fps=mode.fps)
    cpu_s, waits = measure(source, seconds)
    p99 = statistics.quantiles(waits, n=100)[98] / 1e3
    print(
        f"sim {mode}: {100 * cpu_s / seconds:.1f} % of a core, {len(waits) / seconds:.2f} frames/s, "
        f"{source.dropped} dropped, capture p50 {statistics.median(waits) / 1e3:.0f} us, p99 {p99:.0f} us"
    )
    load = ", ".join(f"{value:.2f}" for value in os.getloadavg())
    print(f"conditions: {seconds:g} s, {os.cpu_count()} cores, load {load}, Python {platform.python_version()}")


if __name__ == "__main__":
    main()
