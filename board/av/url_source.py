"""A source that is a file or a stream: whatever PyAV opens."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from board.av.feed import Feed, Ready
from board.av.input import Input, shown
from edge.model.errors import DeviceGone
from edge.model.frame import Frame, Lease, Plane, Stamps
from edge.model.signal import Signal, SignalState
from edge.model.video import VideoFormat
from edge.ports import Clock

_TOO_LATE_NS = 250_000_000
_END = Signal(SignalState.NO_SIGNAL, "end of file")


class UrlSource:
    """Files are played at their own pace, live streams as they come, the newest picture first.

    `open` raises DeviceGone (`source_unreachable`, `source_unreadable`), so does `read` when a
    live stream ends or is silent for `timeout_s`. Messages name the URL without credentials.
    Frames carry the decoder's own picture as `lease.native`.
    """

    def __init__(self, *, clock: Clock, url: str, loop: bool = False, timeout_s: float = 5.0) -> None:
        self._clock = clock
        self._connect = partial(Input, url, timeout_s=timeout_s)
        self._url = url
        self._loop = loop
        self._feed: Feed | None = None
        self._start_ns: int | None = None
        self._format: VideoFormat | None = None
        self._generation = 0
        self._seq = -1
        self._late = 0

    @property
    def name(self) -> str:
        return "url"

    @property
    def dropped(self) -> int:
        """Pictures of the present connection that came too late for the reader."""
        return self._late + (self._feed.dropped if self._feed is not None else 0)

    def open(self) -> None:
        self.close()
        first = self._connect()
        self._generation += 1
        self._start_ns, self._late = None, 0
        self._feed = Feed(first, reopen=self._connect if self._loop and not first.live else None, url=self._url)

    def signal(self) -> Signal:
        feed = self._feed
        if feed is None:
            return Signal(SignalState.NO_DEVICE, "the source is not open")
        if feed.ended:
            return _END
        if self._format is None:
            return Signal(SignalState.NO_LOCK, "waiting for the first picture")
        return Signal(SignalState.LOCKED, format=self._format)

    def read(self, timeout_s: float) -> Frame | Signal | None:
        feed = self._feed
        if feed is None:
            raise DeviceGone("the source is not open")
        give_up_ns = self._clock.mono_ns() + round(timeout_s * 1e9)
        ready = feed.peek(timeout_s)
        if ready is None:
            return self._at_end(feed, give_up_ns)
        if feed.live:
            feed.pop()
            return self._frame(ready, ready.at_ns)
        return self._paced(feed, ready, give_up_ns)

    def close(self) -> None:
        feed, self._feed = self._feed, None
        self._format = None
        if feed is not None:
            feed.close()

    def detail(self) -> Mapping[str, Any]:
        return {"driver": "url", "url": shown(self._url), "dropped": self.dropped}

    def _at_end(self, feed: Feed, give_up_ns: int) -> Signal | None:
        if not feed.ended:
            return None
        if self._format is not None:
            self._format = None
            return _END
        feed.idle((give_up_ns - self._clock.mono_ns()) / 1e9)
        return _END

    def _paced(self, feed: Feed, ready: Ready, give_up_ns: int) -> Frame | None:
        """The newest picture that is due, waiting for it until `give_up_ns`."""
        now = self._clock.mono_ns()
        if self._start_ns is None or now - self._start_ns - ready.at_ns > _TOO_LATE_NS:
            self._start_ns = now - ready.at_ns  # a reader that was away goes on from here, not in fast motion
        due_ns = self._start_ns + ready.at_ns
        if due_ns > now:
            feed.idle((min(due_ns, give_up_ns) - now) / 1e9)
            if due_ns > give_up_ns:
                return None
        feed.pop()
        cut = ready.cut
        while (after := feed.peek(0)) is not None and self._start_ns + after.at_ns <= self._clock.mono_ns():
            feed.pop()
            self._late += 1
            self._seq += 1
            ready, cut = after, cut or after.cut
        return self._frame(ready, self._start_ns + ready.at_ns, cut=cut)

    def _frame(self, ready: Ready, captured_ns: int, *, cut: bool = False) -> Frame:
        self._format = ready.format
        self._seq += 1 + ready.missed
        planes = tuple(Plane(memoryview(plane), plane.line_size) for plane in ready.picture.planes)
        return Frame(
            seq=self._seq,
            format=ready.format,
            lease=Lease(planes, generation=self._generation, native=ready.picture),
            stamps=Stamps(captured_ns=captured_ns, dequeued_ns=self._clock.mono_ns()),
            utc_ns=self._clock.utc_ns(captured_ns),
            discontinuity=cut or ready.cut,
        )
