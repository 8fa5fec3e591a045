"""The capture loop: opens the source, reads it, comes back from every failure by itself."""

from __future__ import annotations

from collections.abc import Callable

from edge.media.latency import LatencyBook
from edge.media.mixer import Mixer
from edge.media.signal_book import SignalBook
from edge.model.errors import EdgeError
from edge.model.frame import Frame
from edge.model.signal import Signal, SignalState
from edge.ports import Clock, Source
from edge.runtime.backoff import Backoff
from edge.runtime.component import Context
from edge.runtime.log import OutageLog

_READ_S = 0.2
_LONGEST_WAIT_S = 1.0  # a device that is plugged in again shall show its picture within 3 s


class CaptureLoop:
    """Body of the capture thread. Never gives up on the source."""

    def __init__(
        self,
        *,
        source: Source,
        mixer: Mixer,
        book: SignalBook,
        latency: LatencyBook,
        clock: Clock,
        outage: OutageLog,
        backoff: Callable[[], Backoff] = lambda: Backoff(first_s=0.25, cap_s=_LONGEST_WAIT_S, healthy_s=10.0),
    ) -> None:
        self._source = source
        self._mixer = mixer
        self._book = book
        self._latency = latency
        self._clock = clock
        self._outage = outage
        self._backoff = backoff()

    def work(self, ctx: Context) -> None:
        ctx.ready()
        while not ctx.stopping:
            began_ns = self._clock.mono_ns()
            ctx.progress()  # a source that cannot be opened is no stall: we go on trying
            try:
                self._read_until_it_fails(ctx)
            except EdgeError as error:
                self._outage.failed(error)
                self._book.note_signal(Signal(SignalState.NO_DEVICE, str(error)))
            finally:
                self._source.close()
            ctx.sleep(self._backoff.next_wait_s(ran_s=(self._clock.mono_ns() - began_ns) / 1e9))

    def _read_until_it_fails(self, ctx: Context) -> None:
        self._source.open()
        while not ctx.stopping:
            taken = self._source.read(_READ_S)
            ctx.progress()
            if isinstance(taken, Frame):
                self._outage.recovered()
                self._take(taken)
            elif taken is not None:
                self._book.note_signal(taken)

    def _take(self, frame: Frame) -> None:
        stamps = frame.stamps
        self._latency.record("capture", stamps.dequeued_ns - stamps.captured_ns)
        self._book.note_frame(frame)
        self._mixer.offer(frame)


class SlateLoop:
    """Body of the thread that lets the mixer notice that time has passed."""

    def __init__(self, *, mixer: Mixer) -> None:
        self._mixer = mixer

    def work(self, ctx: Context) -> None:
        ctx.ready()
        while not ctx.stopping:
            ctx.sleep(self._mixer.tick())
            ctx.progress()
