"""Feeds sinks at frame rate, each in a thread of its own, as the media process does."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from edge.model.errors import EdgeError, TimedOut
from edge.model.frame import AccessUnit
from edge.ports import Sink
from edge.sinks.srt import SrtSink
from edge.sinks.srt_receiver import SrtReceiver
from edge.sinks.srt_url import SrtAddress, SrtMode
from tests.srt_peers import Attached, srt_spec, wait_until

FPS = 60


class Feed(threading.Thread):
    """One sink: opened, then given every unit on time until it fails or is told to stop."""

    def __init__(self, sink: Sink, units: list[AccessUnit]) -> None:
        super().__init__(daemon=True)
        self.sink = sink
        self.error: EdgeError | None = None
        self.failed_after_s = 0.0
        self.slowest_write_s = 0.0
        self.written = 0
        self._units = units
        self._stopping = threading.Event()

    def run(self) -> None:
        begin_s = time.monotonic()
        try:
            self.sink.open(self._units[0].format)
            for index, unit in enumerate(self._units):
                if self._stopping.wait(max(0.0, begin_s + index / FPS - time.monotonic())):
                    break
                self._write(unit)
        except EdgeError as error:
            self.error = error
            self.failed_after_s = time.monotonic() - begin_s
        self.sink.close()

    def stop(self) -> None:
        self._stopping.set()
        self.join(10)
        assert not self.is_alive(), f"{self.sink.name} does not stop"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        self.stop()

    def _write(self, unit: AccessUnit) -> None:
        begin_s = time.monotonic()
        self.sink.write(unit)
        self.slowest_write_s = max(self.slowest_write_s, time.monotonic() - begin_s)
        self.written += 1


class Feeding(Attached):
    """An outlet that feeds whatever is attached from the first unit on."""

    def __init__(self, units: list[AccessUnit]) -> None:
        super().__init__()
        self.feeds: dict[str, Feed] = {}
        self._units = units

    def attach(self, sink: Sink) -> None:
        super().attach(sink)
        feed = self.feeds[sink.name] = Feed(sink, self._units)
        feed.start()

    def detach(self, name: str) -> None:
        super().detach(name)
        if name in self.feeds:
            self.feeds[name].stop()


def feed_when_up(port: int, units: list[AccessUnit], *, passphrase: str = "", stream_id: str = "") -> Feed:
    """A feed to a peer that listens, connected as soon as it answers."""
    sink = SrtSink(spec=srt_spec(port, "caller", passphrase=passphrase, stream_id=stream_id))
    wait_until(lambda: answers(lambda: sink.open(units[0].format)), "the listening peer")
    return Feed(sink, units)


def receiver_when_up(port: int) -> SrtReceiver:
    """Our receiver, connected as soon as the peer answers."""
    receiver = SrtReceiver(SrtAddress("127.0.0.1", port, SrtMode.CALLER))
    wait_until(lambda: answers(receiver.open), "the listening peer")
    return receiver


def answers(connect: Callable[[], None]) -> bool:
    try:
        connect()
    except TimedOut:
        return False
    return True
