"""Cable events at random on the kernel's virtual HDMI driver: does the picture always come back, and how soon?

`python -m tests.vm.soak [EVENTS] [SEED]` inside the machine (`make vm-shell`), or `make soak` from outside. Prints
recovery times by kind of event (from the moment at which the signal is good again to the first picture) and what
the process held before and after. Exit code 1 when a picture did not come back within a minute.
"""

from __future__ import annotations

import os
import random
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path

from board.v4l2.source import V4l2Source
from tests.vm import lab
from tests.vm.capture_kit import capture, frame_of, size_of

_STUCK_S = 60.0
_MODE, _TIMINGS, _DROPPED = "DV Timings Signal Mode", "DV Timings", "Percentage of Dropped Buffers"
_GOOD, _SELECTED = "Current DV Timings", "Selected DV Timings"
_HEALED_AT_ONCE = ("another mode", "disconnected")  # a good signal again, but not the same
_MODES = ("640x480p59", "800x600p60", "720x576p50", "1280x720p60", "1024x768p60")


class Cable:
    """What may happen to the input; each event leaves it good again when `heal` has been called."""

    def __init__(self, device: lab.Vivid, chance: random.Random) -> None:
        self._device = device
        self._chance = chance
        self._entries = [one for one in device.menu(_TIMINGS) if one.startswith(_MODES)]
        self.expected = (1280, 720)
        self.events: Mapping[str, Callable[[], None]] = {
            "unplugged": lambda: self._signal("No Signal"),
            "unplugged, frames stop": self._silent,
            "no lock": lambda: self._signal("No Lock"),
            "out of range": lambda: self._signal("Out of Range"),
            "frames stop": lambda: device.set_control(_DROPPED, 100),
            "another mode": self._another_mode,
            "damaged buffer": lambda: device.set_control("Inject V4L2_BUF_FLAG_ERROR"),
            "fatal streaming error": lambda: device.set_control("Inject Fatal Streaming Error"),
            "disconnected": lambda: device.set_control("Disconnect"),
        }

    def heal(self, event: str) -> None:
        self._device.set_control(_DROPPED, 0)
        if event not in ("frames stop", "damaged buffer", "fatal streaming error"):
            self._signal(_GOOD)

    def _signal(self, mode: str) -> None:
        self._device.set_control(_MODE, mode)

    def _silent(self) -> None:
        self._device.set_control(_DROPPED, 100)
        self._signal("No Signal")

    def _another_mode(self) -> None:
        entry = self._chance.choice([one for one in self._entries if size(one) != self.expected])
        self.expected = size(entry)
        self._device.set_control(_TIMINGS, entry)
        self._signal(_SELECTED)


def size(entry: str) -> tuple[int, int]:
    """Of a menu entry such as `1280x720p60`."""
    width, _, rest = entry.partition("x")
    return int(width), int(rest.partition("p")[0])


def main() -> int:
    events = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    chance = random.Random(seed)  # noqa: S311 - events, not secrets
    recovered: dict[str, list[float]] = defaultdict(list)
    stuck = 0
    with lab.vivid() as device:
        source = capture()
        source.open()
        frame_of(source).lease.release()
        device.set_control("Timestamp Source", "Start of Exposure")  # the other one lies ahead of the buffer
        print(_dequeue(source), flush=True)
        cable = Cable(device, chance)
        before = _held(source)
        for number in range(events):
            event = chance.choice(list(cable.events))
            if not _one(event, cable, source, chance, recovered):
                stuck += 1
                print(f"event {number}, {event}: no picture within {_STUCK_S:.0f} s; {source.detail()}", flush=True)
        after = _held(source)
        source.close()
    _print(events, seed, recovered, stuck, before, after)
    return 1 if stuck else 0


def _dequeue(source: V4l2Source) -> str:
    """How long pictures wait in the driver, while nothing happens."""
    waits: list[float] = []
    for _ in range(300):
        frame = frame_of(source)
        waits.append((frame.stamps.dequeued_ns - frame.stamps.captured_ns) / 1e6)
        frame.lease.release()
    ranked = sorted(waits)
    period_ms = 1000 / frame.format.fps
    return (
        f"captured to dequeued, {frame.format.width}x{frame.format.height} at {float(frame.format.fps):g} fps: "
        f"p50 {ranked[150]:.1f}, p95 {ranked[285]:.1f} ms; a frame period is {float(period_ms):.1f} ms"
    )


def _one(
    event: str, cable: Cable, source: V4l2Source, chance: random.Random, recovered: dict[str, list[float]]
) -> bool:
    cable.events[event]()
    if event not in _HEALED_AT_ONCE:
        _look_on(source, chance.uniform(0.0, 1.0))
        cable.heal(event)
    healed = time.monotonic()
    try:
        while size_of(source, reopen=True, patience_s=_STUCK_S) != cable.expected:
            continue  # pictures of the old mode, which were on their way
    except AssertionError:
        return False
    recovered[event].append(time.monotonic() - healed)
    return True


def _look_on(source: V4l2Source, seconds: float) -> None:
    """Read as the capture loop does, whatever comes."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        try:
            frame_of(source, reopen=True, patience_s=left).lease.release()
        except AssertionError:
            return


def _held(source: V4l2Source) -> Mapping[str, float]:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return {
        "file descriptors": len(os.listdir("/proc/self/fd")),
        "buffers on loan": source.detail()["buffers_on_loan"],
        "memory MB": round(pages * os.sysconf("SC_PAGE_SIZE") / 1e6, 1),
        "mappings of the driver": Path("/proc/self/maps").read_text().count("/dev/video"),
    }


def _print(
    events: int,
    seed: int,
    recovered: Mapping[str, list[float]],
    stuck: int,
    before: Mapping[str, float],
    after: Mapping[str, float],
) -> None:
    print(f"{events} events, seed {seed}, vivid under software emulation, {os.cpu_count()} cores")
    print(f"stuck: {stuck}")
    for event, times in sorted(recovered.items()):
        ranked = sorted(times)
        p50, p95 = ranked[len(ranked) // 2], ranked[int(len(ranked) * 0.95)]
        print(
            f"  {event:<24} {len(ranked):4d} times, "
            f"picture back after p50 {p50:.2f}, p95 {p95:.2f}, max {ranked[-1]:.2f} s"
        )
    for name, value in after.items():
        print(f"  {name:<24} {before[name]} before, {value} after")


if __name__ == "__main__":
    sys.exit(main())
