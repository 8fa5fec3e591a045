"""Decoding ahead of the reader, in a thread of its own so that no slow peer can hold the reader."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace

import av

from board.av.input import UNREACHABLE, UNREADABLE, Input, shown
from board.av.normalise import Normaliser
from edge.model.errors import DeviceGone, EdgeError, Fault
from edge.model.video import VideoFormat

_AHEAD = 3
_JOIN_S = 0.5
_JUMP_NS = 2_000_000_000


@dataclass(frozen=True, slots=True)
class Ready:
    """A decoded picture. `at_ns`: arrival (CLOCK_MONOTONIC) when live, else time since the first picture.

    `missed` counts the pictures that it replaced before the reader came.
    """

    picture: av.VideoFrame
    format: VideoFormat
    at_ns: int
    cut: bool
    missed: int = 0


class Feed:
    """Pictures of an opened input. A live one keeps the newest only; another one waits for the reader."""

    def __init__(self, first: Input, *, reopen: Callable[[], Input] | None, url: str) -> None:
        self.live = first.live
        self.dropped = 0
        self._input = first
        self._reopen = reopen
        self._url = url
        self._ready: deque[Ready] = deque()
        self._changed = threading.Condition()
        self._stopping = False
        self._ended = False
        self._error: EdgeError | None = None
        self._media = _MediaTime()
        self._thread = threading.Thread(target=self._work, name="url-decode", daemon=True)
        self._thread.start()

    @property
    def ended(self) -> bool:
        """The last picture has been taken and no more will come."""
        with self._changed:
            return self._ended and not self._ready

    def peek(self, timeout_s: float) -> Ready | None:
        """The oldest picture without taking it; None on time-out or at the end.

        Raises DeviceGone once the pictures before the failure have been taken.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._ready or self._ended or self._stopping, timeout_s)
            if self._ready:
                return self._ready[0]
            if self._error is not None:
                raise self._error
            return None

    def pop(self) -> None:
        with self._changed:
            if self._ready:
                self._ready.popleft()
            self._changed.notify_all()

    def idle(self, seconds: float) -> None:
        """Wait so long, less when closed meanwhile."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopping, max(0.0, seconds))

    def close(self) -> None:
        """Returns soon; a decoder that waits for its peer ends by itself when that times out."""
        with self._changed:
            self._stopping = True
            self._ready.clear()
            self._changed.notify_all()
        self._thread.join(_JOIN_S)

    def _work(self) -> None:
        error: EdgeError | None = None
        try:
            self._decode()
        except EdgeError as caught:
            error = caught
        except Exception as caught:  # the reader must learn of it: it waits for this thread
            error = Fault(f"decoding {shown(self._url)} failed: {type(caught).__name__}")
        finally:
            self._input.close()
        with self._changed:
            self._ended, self._error = True, error
            self._changed.notify_all()

    def _decode(self) -> None:
        while not self._stopping:
            any_picture = self._decode_once()
            if self._stopping:
                return
            if self._reopen is None:
                if self.live:
                    raise DeviceGone(f"{shown(self._url)}: the peer ended the stream", code=UNREACHABLE)
                return
            if not any_picture:
                raise DeviceGone(f"{shown(self._url)}: no picture in it can be decoded", code=UNREADABLE)
            self._input.close()
            self._input = self._reopen()

    def _decode_once(self) -> bool:
        """Whether there was any picture."""
        normaliser = Normaliser(fps=self._input.fps)
        step_ns = int(1e9 / self._input.fps)
        self._media.start_over()
        cut = True
        for picture in self._input.pictures():
            for even, shape in normaliser.take(picture):
                at_ns = time.monotonic_ns() if self.live else self._media.of(even, step_ns)
                self._put(Ready(even, shape, at_ns, cut))
                cut = False
            if self._stopping:
                break
        return not cut

    def _put(self, ready: Ready) -> None:
        with self._changed:
            if self.live and self._ready:
                old = self._ready.pop()
                self.dropped += 1
                ready = replace(ready, cut=ready.cut or old.cut, missed=old.missed + 1)
            self._changed.wait_for(lambda: len(self._ready) < _AHEAD or self._stopping)
            if not self._stopping:
                self._ready.append(ready)
            self._changed.notify_all()


class _MediaTime:
    """Time since the first picture in ns: never back, no leap, across repeats of the file."""

    def __init__(self) -> None:
        self._now_ns: int | None = None
        self._input_ns: int | None = None

    def start_over(self) -> None:
        self._input_ns = None

    def of(self, picture: av.VideoFrame, step_ns: int) -> int:
        stamp = None
        if picture.pts is not None and picture.time_base is not None:
            stamp = int(picture.pts * picture.time_base * 1_000_000_000)
        before, self._input_ns = self._input_ns, stamp
        gone_ns = step_ns if stamp is None or before is None else stamp - before
        if not 0 < gone_ns < _JUMP_NS:
            gone_ns = step_ns
        self._now_ns = 0 if self._now_ns is None else self._now_ns + gone_ns
        return self._now_ns
