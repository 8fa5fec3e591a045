"""What unit tests need: a clock that stands still, sources and sinks that do as told."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from edge.model.errors import Fault, NotSupported, PeerGone
from edge.model.frame import AccessUnit, Encoded, Frame, Lease, Plane, Stamps, pts_of
from edge.model.signal import Signal, SignalState
from edge.model.video import Codec, EncodeTarget, StreamFormat, Trait, VideoFormat
from edge.ports import Retarget

SMALL = VideoFormat(64, 48, Fraction(50))
MS = 1_000_000


class FakeClock:
    """Stands still until `advance`d; UTC runs an hour of nanoseconds ahead."""

    def __init__(self, now_ns: int = 1_000_000_000) -> None:
        self.now_ns = now_ns

    def mono_ns(self) -> int:
        return self.now_ns

    def utc_ns(self, mono_ns: int | None = None) -> int:
        return (self.now_ns if mono_ns is None else mono_ns) + 3600 * 1_000_000_000

    def synchronised(self) -> bool:
        return True

    def uncertainty_us(self) -> int | None:
        return 50

    def advance(self, ms: float) -> None:
        self.now_ns += int(ms * MS)


class BlockPainter:
    """Text as a grey block: enough to see that something was drawn."""

    def text(self, text: str, height_px: int) -> tuple[int, int, bytes]:
        width = max(1, len(text) * height_px // 2)
        return width, height_px, b"\xff" * (width * height_px)


def make_frame(
    clock: FakeClock,
    *,
    seq: int = 0,
    video: VideoFormat = SMALL,
    shade: int = 100,
    chroma: tuple[int, int] = (128, 128),
    live: bool = True,
    discontinuity: bool = False,
    give_back: Callable[[], None] | None = None,
) -> Frame:
    """A picture of one colour (limited-range code values) captured now."""
    luma = np.full(video.width * video.height, shade, np.uint8)
    cb, cr = (np.full(video.width * video.height // 4, value, np.uint8) for value in chroma)
    planes = (
        Plane(luma.data, video.width),
        Plane(cb.data, video.width // 2),
        Plane(cr.data, video.width // 2),
    )
    return Frame(
        seq=seq,
        format=video,
        lease=Lease(planes, give_back=give_back),
        stamps=Stamps(captured_ns=clock.mono_ns(), dequeued_ns=clock.mono_ns()),
        utc_ns=clock.utc_ns(),
        live=live,
        discontinuity=discontinuity,
    )


def make_unit(
    clock: FakeClock,
    *,
    seq: int = 0,
    key: bool = False,
    live: bool = True,
    format: StreamFormat | None = None,
    discontinuity: bool = False,
) -> AccessUnit:
    now = clock.mono_ns()
    return AccessUnit(
        format=format or StreamFormat("main", 1, Codec.H264, SMALL),
        seq=seq,
        pts=pts_of(now),
        utc_ns=clock.utc_ns(),
        key=key,
        live=live,
        discontinuity=discontinuity,
        stamps=Stamps(now, now, now, now),
        data=b"\x00\x00\x00\x01\x65" if key else b"\x00\x00\x00\x01\x41",
    )


class PlainEncoder:
    """One small unit per frame; remembers what it was asked."""

    name = "plain"
    hardware = False
    codec = Codec.H264
    traits: frozenset[Trait] = frozenset()

    def __init__(self, *, live_retarget: bool = True) -> None:
        self.breaks: Exception | None = None
        self.opened: list[VideoFormat] = []
        self.forced: list[bool] = []
        self.targets: list[EncodeTarget] = []
        self.closed = 0
        self.refuses = False
        self._live_retarget = live_retarget

    def open(self, video: VideoFormat, target: EncodeTarget) -> None:
        if self.refuses:
            raise NotSupported("the picture is too small")
        self.opened.append(video)
        self.targets.append(target)

    def encode(self, frame: Frame, *, force_key: bool) -> Sequence[Encoded]:
        if self.breaks is not None:
            raise self.breaks
        if frame.format.coded != self.opened[-1].coded:
            raise Fault(f"opened for {self.opened[-1]}, given {frame.format}")
        self.forced.append(force_key)
        key = force_key or len(self.forced) == 1
        nal = b"\x00\x00\x00\x01\x65\x88" if key else b"\x00\x00\x00\x01\x41\x9a"
        return [Encoded(pts_of(frame.stamps.captured_ns), key, nal)]

    def retarget(self, target: EncodeTarget) -> Retarget:
        self.targets.append(target)
        return Retarget.LIVE if self._live_retarget else Retarget.NEEDS_NEW_EPOCH

    def close(self) -> None:
        self.closed += 1


class MemorySink:
    """Keeps what it is given. `gate` closed makes `write` wait; `fail_writes` makes it raise."""

    def __init__(self, name: str = "memory") -> None:
        self.name = name
        self.units: list[AccessUnit] = []
        self.opened = 0
        self.closed = 0
        self.gate = threading.Event()
        self.gate.set()
        self.fail_opens = 0
        self.error: Callable[[], Exception] | None = None
        self.arrived = threading.Condition()

    def open(self, format: StreamFormat) -> None:
        if self.fail_opens > 0:
            self.fail_opens -= 1
            raise PeerGone(f"{self.name} refuses")
        self.opened += 1

    def write(self, unit: AccessUnit) -> None:
        self.gate.wait(10)
        if self.error is not None:
            raise self.error()
        with self.arrived:
            self.units.append(unit)
            self.arrived.notify_all()

    def close(self) -> None:
        self.closed += 1

    def detail(self) -> Mapping[str, Any]:
        return {"units": len(self.units)}

    def wait_for(self, count: int) -> bool:
        with self.arrived:
            return self.arrived.wait_for(lambda: len(self.units) >= count, 10)


class ListSource:
    """Plays a list: frames, signals, None for a time-out, exceptions; then stays silent."""

    name = "list"

    def __init__(self, *items: Frame | Signal | Exception | None, open_errors: Sequence[Exception] = ()) -> None:
        self.items = list(items)
        self.open_errors = list(open_errors)
        self.opened = 0
        self.closed = 0
        self.on_empty: Callable[[], None] = lambda: None

    def open(self) -> None:
        self.opened += 1
        if self.open_errors:
            raise self.open_errors.pop(0)

    def read(self, timeout_s: float) -> Frame | Signal | None:
        if not self.items:
            self.on_empty()
            return None
        item = self.items.pop(0)
        if isinstance(item, Exception):
            raise item
        return item

    def signal(self) -> Signal:
        return Signal(SignalState.LOCKED)

    def close(self) -> None:
        self.closed += 1

    def detail(self) -> Mapping[str, Any]:
        return {"opened": self.opened}
