"""DV timings: what mode a digital video signal has."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

from board.v4l2.abi import structs as s
from board.v4l2.abi.codes import CAP_INTERLACED, DV_FL_REDUCED_FPS, DV_INTERLACED
from board.v4l2.abi.requests import Vidioc
from board.v4l2.node import Node

_NTSC = Fraction(1000, 1001)


@dataclass(frozen=True, slots=True)
class Timings:
    """One mode. `height` is that of the whole picture, `fps` counts whole pictures also when interlaced.

    `raw` are the driver's own bytes, to be given back to it as they came; they do not count
    when two modes are compared.
    """

    width: int
    height: int
    fps: Fraction
    interlaced: bool
    pixelclock_hz: int
    raw: bytes = field(default=b"", repr=False, compare=False)

    def __str__(self) -> str:
        rate = self.fps * 2 if self.interlaced else self.fps
        return f"{self.width}x{self.height}{'i' if self.interlaced else 'p'}{float(rate):.5g}"

    def same_mode(self, other: Timings) -> bool:
        """Rates may differ by 0.05 %, half of what lies between 60 and 59.94 Hz."""
        if (self.width, self.height, self.interlaced) != (other.width, other.height, other.interlaced):
            return False
        return abs(self.fps - other.fps) * 2000 <= self.fps

    @classmethod
    def of(cls, given: s.DvTimings) -> Timings:
        """Rates are exact for modes with real blanking; the TC358743 rounds to whole Hz (its driver)."""
        bt = given.bt
        total_width = bt.width + bt.hfrontporch + bt.hsync + bt.hbackporch
        total_height = bt.height + bt.vfrontporch + bt.vsync + bt.vbackporch
        interlaced = bt.interlaced == DV_INTERLACED
        if interlaced:
            total_height += bt.il_vfrontporch + bt.il_vsync + bt.il_vbackporch
        total = total_width * total_height
        fps = Fraction(bt.pixelclock, total) if total and bt.pixelclock else Fraction(0)
        if bt.flags & DV_FL_REDUCED_FPS:
            fps *= _NTSC
        return cls(bt.width, bt.height, _tidy(fps), interlaced, bt.pixelclock, bytes(given))

    def struct(self) -> s.DvTimings:
        return s.DvTimings.from_buffer_copy(self.raw)


@dataclass(frozen=True, slots=True)
class TimingsLimits:
    """What a receiver can take (VIDIOC_DV_TIMINGS_CAP)."""

    min_width: int
    max_width: int
    min_height: int
    max_height: int
    min_pixelclock_hz: int
    max_pixelclock_hz: int
    interlaced: bool

    def why_not(self, timings: Timings) -> str:
        """The reason for which that mode is out of range; empty when it is not."""
        if timings.interlaced and not self.interlaced:
            return f"{timings} is interlaced, which this receiver does not take"
        if timings.width > self.max_width or timings.height > self.max_height:
            return f"{timings} is too large; at most {self.max_width}x{self.max_height}"
        if timings.width < self.min_width or timings.height < self.min_height:
            return f"{timings} is too small; at least {self.min_width}x{self.min_height}"
        if timings.pixelclock_hz > self.max_pixelclock_hz:
            return (
                f"{timings} is too fast: pixel clock {timings.pixelclock_hz / 1e6:.4g} MHz, "
                f"at most {self.max_pixelclock_hz / 1e6:.4g}"
            )
        if timings.pixelclock_hz < self.min_pixelclock_hz:
            return (
                f"{timings} is too slow: pixel clock {timings.pixelclock_hz / 1e6:.4g} MHz, "
                f"at least {self.min_pixelclock_hz / 1e6:.4g}"
            )
        return ""


def set_timings(node: Node, timings: Timings) -> None:
    """Raises OSError: EBUSY while buffers are allocated, EINVAL where the driver follows by itself."""
    node.do(Vidioc.S_DV_TIMINGS, timings.struct())


def limits_of(node: Node) -> TimingsLimits | None:
    """None where there are no DV timings."""
    try:
        bt = node.do(Vidioc.DV_TIMINGS_CAP, s.DvTimingsCap()).bt
    except OSError:
        return None
    return TimingsLimits(
        bt.min_width,
        bt.max_width,
        bt.min_height,
        bt.max_height,
        bt.min_pixelclock,
        bt.max_pixelclock,
        bool(bt.capabilities & CAP_INTERLACED),
    )


def _tidy(fps: Fraction) -> Fraction:
    """Within 0.02 % of a whole rate or of one divided by 1.001 it is that rate; else as computed."""
    whole = Fraction(round(fps))
    if not whole:
        return fps
    ntsc = Fraction(round(fps / _NTSC)) * _NTSC
    near = min((whole, ntsc), key=lambda rate: abs(rate - fps))
    return near if abs(near - fps) < fps / 5000 else Fraction(round(fps * 100), 100)
