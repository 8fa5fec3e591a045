"""One measurement: a reader thread that stamps arrivals, and the loop that reads the times."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from edge.measure.decoder import StripDecoder
from edge.measure.mpegts import TsUnits
from edge.measure.tally import Picture, Report, Tally
from edge.measure.unit import ReceivedUnit
from edge.model import sei
from edge.model.errors import EdgeError, TimedOut
from edge.ports import Clock

_BACKLOG_UNITS = 20


@dataclass(frozen=True, slots=True)
class Carriers:
    """Which of the two to read."""

    sei: bool = True
    strip: bool = True


def ts_units(chunks: Iterable[bytes], *, clock: Clock) -> Iterator[ReceivedUnit]:
    """Units of an MPEG-TS that comes in chunks, stamped as their last chunk is here. Blocking."""
    demuxer = TsUnits()
    for chunk in chunks:
        yield from demuxer.feed(chunk, arrived_ns=clock.mono_ns())
    yield from demuxer.flush()


class Session:
    """Reads units until `seconds` after the first one, or to the end of the stream.

    Arrivals are stamped in a thread of their own, so that decoding cannot delay them. A picture counts
    as decoded at its arrival plus the time that decoding it took. A decoder that falls behind skips to
    the next keyframe, and the pictures between count by their SEI only.
    """

    def __init__(self, *, clock: Clock, carriers: Carriers, patience_s: float = 10.0) -> None:
        self._clock = clock
        self._carriers = carriers
        self._patience_s = patience_s
        self._queue: queue.SimpleQueue[ReceivedUnit | EdgeError | None] = queue.SimpleQueue()
        self._decoder = StripDecoder()
        self._tally = Tally()

    @property
    def size(self) -> tuple[int, int] | None:
        """Width and height, once a picture was decoded."""
        return self._decoder.size

    def run(self, units: Iterable[ReceivedUnit], *, seconds: float | None, stop: Callable[[], None]) -> Report:
        """`stop` makes `units` end. Raises what the reading raised, and TimedOut when no picture comes."""
        reader = threading.Thread(target=self._read, args=(units,), name="measure-reader", daemon=True)
        reader.start()
        try:
            self._follow(seconds)
        finally:
            stop()
        reader.join(1.0)  # it may sit in a blocking read that cannot be ended; it is a daemon then
        return self._tally.report()

    def read_all(self, units: Iterable[ReceivedUnit]) -> Report:
        """For a file: in this thread, every picture decoded."""
        for unit in units:
            self._tally.add(self._picture(unit, behind=False))
        return self._tally.report()

    def _read(self, units: Iterable[ReceivedUnit]) -> None:
        try:
            for unit in units:
                self._queue.put(unit)
        except EdgeError as error:
            self._queue.put(error)
        self._queue.put(None)

    def _follow(self, seconds: float | None) -> None:
        until_ns: int | None = None
        while until_ns is None or self._clock.mono_ns() < until_ns:
            item = self._next(until_ns)
            if item is None:
                return
            if until_ns is None and seconds is not None:
                until_ns = item.arrived_ns + int(seconds * 1e9)
            self._tally.add(self._picture(item, behind=self._queue.qsize() > _BACKLOG_UNITS))

    def _next(self, until_ns: int | None) -> ReceivedUnit | None:
        try:
            item = self._queue.get(timeout=self._patience_s)
        except queue.Empty:
            raise TimedOut(f"no picture within {self._patience_s:g} s") from None
        if isinstance(item, EdgeError):
            if until_ns is None:
                raise item
            return None
        return item

    def _picture(self, unit: ReceivedUnit, *, behind: bool) -> Picture:
        found = sei.find(unit.codec, unit.data) if self._carriers.sei else None
        arrived_utc_ns, began_ns = self._clock.utc_ns(unit.arrived_ns), self._clock.mono_ns()
        decoded, strip_us = False, None
        if self._carriers.strip and behind:
            self._decoder.skip()
        elif self._carriers.strip:
            decoded, strip_us = self._decoder.decode(unit)
        took_ns = self._clock.mono_ns() - began_ns
        return Picture(
            arrived_utc_ns=arrived_utc_ns,
            sei=found,
            decoded_utc_ns=arrived_utc_ns + took_ns if decoded else None,
            strip_us=strip_us,
        )
