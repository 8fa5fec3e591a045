"""The line as a process: `python -m tests.netlab.emulator BOX_ADDRESS VIEWER_ADDRESS SEED`.

Makes both namespaces and moves packets between their TUN devices. Its standard input takes one JSON
object a line: `{"play": [step, ...]}` (tests/netlab/path.py; times from now) or `{"counts": true}`; the
end of the input ends it. Its standard output answers in kind; the first line says where the namespaces are.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import select
import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from tests.netlab.address import Translation
from tests.netlab.line import Line
from tests.netlab.namespace import MTU_BYTES, make_namespace
from tests.netlab.path import End, Path, Step

_BATCH = 64  # packets read from one device before the other has its turn
_PRIORITY = 10
_REST_S = 0.00025  # when it woke twice in that time: in a virtual machine waking up costs 40 us, a packet 5
_LATE_STEP_NS = 50_000
_OTHER_ADDRESS = "10.77.0.{}"  # in the ends' network, so that both have a route to it
_FIRST_OTHER = 10


class Direction:
    """A line from one TUN device to the other. `sender` and `receiver` are the addresses of its ends."""

    def __init__(self, line: Line, *, source: int, target: int, sender: Translation, receiver: Translation) -> None:
        self.line = line
        self.source = source
        self._target = target
        self._sender = sender
        self._receiver = receiver
        self.astray = 0
        self._late: Counter[int] = Counter()

    def take(self) -> None:
        """Offer the line what the device has. Only IPv4 travels."""
        for _ in range(_BATCH):
            try:
                packet = os.read(self.source, MTU_BYTES + 100)
            except BlockingIOError:
                return
            if packet[0] >> 4 == 4:
                self._offer(packet)

    def _offer(self, packet: bytes) -> None:
        addressed = self._receiver.coming(self._sender.leaving(packet))
        if addressed is None:
            self.astray += 1
        else:
            self.line.offer(addressed, now_ns=time.monotonic_ns())

    def give(self) -> None:
        now_ns = time.monotonic_ns()
        for arrival_ns, packet in self.line.due(now_ns):
            self._late[(now_ns - arrival_ns) // _LATE_STEP_NS] += 1
            with contextlib.suppress(BlockingIOError):
                os.write(self._target, packet)

    def counts(self) -> dict[str, Any]:
        """The line's counts; packets to an address that is no more; how late this process gave packets out, in ms."""
        return {
            **asdict(self.line.counts),
            "astray": self.astray,
            "late_p50_ms": self._late_ms(0.5),
            "late_p99_ms": self._late_ms(0.99),
        }

    def _late_ms(self, share: float) -> float:
        wanted, seen = share * self._late.total(), 0
        for step in sorted(self._late):
            seen += self._late[step]
            if seen >= wanted:
                return (step + 1) * _LATE_STEP_NS / 1e6
        return 0.0


class Emulator:
    """Both directions, the schedule, and whoever says what to do."""

    def __init__(self, uplink: Direction, downlink: Direction, *, addresses: Mapping[End, Translation]) -> None:
        self._uplink = uplink
        self._downlink = downlink
        self._addresses = addresses
        self._moves = _FIRST_OTHER
        self._schedule: list[tuple[int, Step]] = []
        self._said = b""

    def run(self) -> None:
        """Until standard input ends."""
        both = (self._uplink, self._downlink)
        watched = [0, *(direction.source for direction in both)]
        woke_ns = 0
        while True:
            ready, _, _ = select.select(watched, (), (), self._patience_s())
            now_ns, before_ns = time.monotonic_ns(), woke_ns
            woke_ns = now_ns
            self._play_due(now_ns)
            for direction in both:
                if direction.source in ready:
                    direction.take()
                direction.give()
            if 0 in ready and not self._listen(now_ns):
                return
            if now_ns - before_ns < _REST_S * 1e9:
                time.sleep(_REST_S)

    def _patience_s(self) -> float | None:
        times = [at_ns for at_ns, _ in self._schedule[:1]]
        for line in (self._uplink.line, self._downlink.line):
            if (next_ns := line.next_ns) is not None:
                times.append(next_ns)
        return max(0.0, (min(times) - time.monotonic_ns()) / 1e9) if times else None

    def _play_due(self, now_ns: int) -> None:
        while self._schedule and self._schedule[0][0] <= now_ns:
            _, step = self._schedule.pop(0)
            self._uplink.line.change(step.uplink, now_ns=now_ns, cut=step.cut)
            self._downlink.line.change(step.downlink, now_ns=now_ns, cut=step.cut)
            if step.moves is not None:
                self._moves += 1
                self._addresses[step.moves].renumber(_OTHER_ADDRESS.format(self._moves))

    def _listen(self, now_ns: int) -> bool:
        said = os.read(0, 1 << 16)
        *lines, self._said = (self._said + said).split(b"\n")
        for line in lines:
            self._obey(json.loads(line), now_ns)
        return bool(said)

    def _obey(self, order: dict[str, Any], now_ns: int) -> None:
        if "play" in order:
            steps = [Step.from_json(step) for step in order["play"]]
            self._schedule = sorted(((now_ns + int(step.at_s * 1e9), step) for step in steps), key=lambda at: at[0])
            self._play_due(now_ns)
            _answer({"playing_from_ns": now_ns})
        else:
            _answer({"uplink": self._uplink.counts(), "downlink": self._downlink.counts()})


def main() -> None:
    box_address, viewer_address, seed = sys.argv[1:]
    box_namespace, box_tun = make_namespace(box_address)
    viewer_namespace, viewer_tun = make_namespace(viewer_address)
    with contextlib.suppress(PermissionError):  # without it the line is as late as the machine is busy
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(_PRIORITY))
    box, viewer = (Translation(address.partition("/")[0]) for address in (box_address, viewer_address))
    up, down = Line(Path(), seed=int(seed)), Line(Path(), seed=int(seed) + 1)
    uplink = Direction(up, source=box_tun, target=viewer_tun, sender=box, receiver=viewer)
    downlink = Direction(down, source=viewer_tun, target=box_tun, sender=viewer, receiver=box)
    _answer({"pid": os.getpid(), "box": box_namespace, "viewer": viewer_namespace})
    gc.disable()  # nothing here makes cycles, and a collection would be a late packet
    Emulator(uplink, downlink, addresses={End.BOX: box, End.VIEWER: viewer}).run()


def _answer(words: dict[str, Any]) -> None:
    print(json.dumps(words), flush=True)


if __name__ == "__main__":
    main()
