"""Records what SRT senders send: `python -m tests.bench.network_receiver PORT LATENCY_MS FILE`.

A process of its own in the viewer's namespace. FILE gets, per payload, its arrival (CLOCK_MONOTONIC ns), its
length and itself; a sender that leaves is waited for again. At the end of standard input it prints how many came,
and when libsrt had given up how many packets as too late.
"""

from __future__ import annotations

import contextlib
import json
import struct
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from edge.model.errors import EdgeError
from edge.sinks.srt_receiver import SrtReceiver
from edge.sinks.srt_url import parse_srt_url

_HEAD = struct.Struct("!QH")
_STATS_EVERY = 50  # payloads


class Recorder:
    def __init__(self, *, port: int, latency_ms: int, kept: BinaryIO) -> None:
        self._address = parse_srt_url(f"srt://0.0.0.0:{port}?mode=listener")
        self._latency_ms = latency_ms
        self._kept = kept
        self._receiver: SrtReceiver | None = None
        self._ended = threading.Event()
        self.sessions = 0
        self.dropped: list[tuple[int, int]] = []  # CLOCK_MONOTONIC ns, and how many until then

    def run(self) -> None:
        """Until `end`, from another thread."""
        while not self._ended.is_set():
            self._receiver = SrtReceiver(self._address, latency_ms=self._latency_ms)
            with contextlib.suppress(EdgeError), self._receiver:
                self._follow(self._receiver)

    def end(self) -> None:
        self._ended.set()
        if self._receiver is not None:
            self._receiver.close()

    def _follow(self, receiver: SrtReceiver) -> None:
        before = self.dropped[-1][1] if self.dropped else 0
        for count, payload in enumerate(receiver):
            self._kept.write(_HEAD.pack(time.monotonic_ns(), len(payload)) + payload)
            self.sessions += count == 0
            if count % _STATS_EVERY == 0 and (stats := receiver.stats()) is not None:
                self.dropped.append((time.monotonic_ns(), before + stats.dropped_packets))


def recorded(path: Path) -> Iterator[tuple[int, bytes]]:
    """(arrival ns, payload) of a file that a recorder wrote."""
    raw = path.read_bytes()
    at = 0
    while at + _HEAD.size <= len(raw):
        arrived_ns, length = _HEAD.unpack_from(raw, at)
        at += _HEAD.size
        yield arrived_ns, raw[at : at + length]
        at += length


def main() -> None:
    port, latency_ms, path = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    with path.open("wb") as kept:
        recorder = Recorder(port=port, latency_ms=latency_ms, kept=kept)
        running = threading.Thread(target=recorder.run)
        running.start()
        sys.stdin.read()
        recorder.end()
        running.join()
    print(json.dumps({"sessions": recorder.sessions, "dropped": recorder.dropped}))


if __name__ == "__main__":
    main()
