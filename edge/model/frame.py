"""Raw and encoded pictures. A Frame never crosses a process; an AccessUnit may."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Self

from edge.model.errors import Fault
from edge.model.video import StreamFormat, VideoFormat

PTS_HZ = 90_000


def pts_of(captured_ns: int) -> int:
    """Presentation time stamp at 90 kHz of a CLOCK_MONOTONIC time in ns."""
    return captured_ns * 9 // 100_000


@dataclass(frozen=True, slots=True)
class Stamps:
    """CLOCK_MONOTONIC times in ns; 0 where the stage has not been reached."""

    captured_ns: int
    dequeued_ns: int = 0
    encode_begin_ns: int = 0
    encode_end_ns: int = 0


@dataclass(frozen=True, slots=True)
class Plane:
    """One plane of a raw picture: `memory` holds rows of `stride` bytes."""

    memory: memoryview
    stride: int


class Lease:
    """A counted loan of a source's buffer; the last `release` gives it back.

    `native` is the source library's own frame object where it has one, so that an
    encoder of the same library can take it without a copy. `writable`: nobody else reads this
    memory, and the source fills it anew before it lends it again, so it may be drawn on.
    Raises Fault when used after the last release.
    """

    __slots__ = ("_count", "_give_back", "_lock", "_planes", "generation", "native", "writable")

    def __init__(
        self,
        planes: tuple[Plane, ...],
        *,
        generation: int = 0,
        native: object = None,
        writable: bool = False,
        give_back: Callable[[], None] | None = None,
    ) -> None:
        self._planes = planes
        self._count = 1
        self._lock = threading.Lock()
        self._give_back = give_back
        self.generation = generation
        self.native = native
        self.writable = writable

    @property
    def planes(self) -> tuple[Plane, ...]:
        if self._count < 1:
            raise Fault("frame buffer used after its release")
        return self._planes

    def retain(self) -> Self:
        with self._lock:
            if self._count < 1:
                raise Fault("frame buffer retained after its release")
            self._count += 1
        return self

    def release(self) -> None:
        with self._lock:
            if self._count < 1:
                raise Fault("frame buffer released twice")
            self._count -= 1
            last = self._count == 0
            if last:
                self._planes, self.native = (), None  # the memory must not live as long as whoever holds the frame
        if last and self._give_back is not None:
            self._give_back()


@dataclass(frozen=True, slots=True)
class Frame:
    """One raw picture on lease. `discontinuity` forces a keyframe and survives drops."""

    seq: int
    format: VideoFormat
    lease: Lease = field(repr=False)
    stamps: Stamps
    utc_ns: int
    live: bool = True
    discontinuity: bool = False

    def marked(self, *, live: bool | None = None, discontinuity: bool | None = None) -> Frame:
        """The same picture with flags changed; the lease is carried over, not retained."""
        return replace(
            self,
            live=self.live if live is None else live,
            discontinuity=self.discontinuity if discontinuity is None else discontinuity,
        )


@dataclass(frozen=True, slots=True)
class Encoded:
    """What an encoder puts out for the frame with that `pts`: Annex B bytes."""

    pts: int
    key: bool
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class AccessUnit:
    """One encoded picture, immutable, shared by every sink of a rung.

    `pts` is captured CLOCK_MONOTONIC time at 90 kHz; `utc_ns` the same instant in UTC.
    `data` is Annex B with parameter sets before every IDR and the time SEI inside.
    """

    format: StreamFormat
    seq: int
    pts: int
    utc_ns: int
    key: bool
    live: bool
    discontinuity: bool
    stamps: Stamps
    data: bytes = field(repr=False)

    @property
    def epoch(self) -> int:
        return self.format.epoch
