"""Signals that a source may send, and how drivers describe them."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from board.v4l2.abi import structs as s
from board.v4l2.abi.codes import DV_BT_656_1120, DV_FL_REDUCED_FPS, DV_INTERLACED

_NTSC = Fraction(1000, 1001)


@dataclass(frozen=True, slots=True)
class Mode:
    """`height` is that of the whole picture, `fps` the rate of whole pictures; totals include all blanking."""

    width: int
    height: int
    fps: Fraction
    total_width: int
    total_height: int
    interlaced: bool = False

    @property
    def pixelclock_hz(self) -> int:
        return round(self.total_width * self.total_height * self.fps)

    def exact(self) -> s.DvTimings:
        """As a receiver with a table of modes reports it (CEA-861: blanking shared out roughly)."""
        timings = s.DvTimings(type=DV_BT_656_1120)
        bt = timings.bt
        blank_width, blank_height = self.total_width - self.width, self.total_height - self.height
        bt.width, bt.height, bt.interlaced = self.width, self.height, DV_INTERLACED if self.interlaced else 0
        bt.hfrontporch, bt.hsync = blank_width // 3, blank_width // 6
        bt.hbackporch = blank_width - bt.hfrontporch - bt.hsync
        if self.interlaced:
            bt.il_vsync, blank_height = blank_height // 2 + 1, blank_height // 2
        bt.vfrontporch, bt.vsync = 1, 3
        bt.vbackporch = blank_height - bt.vfrontporch - bt.vsync
        fps = self.fps
        if fps.denominator == 1001:
            bt.flags = DV_FL_REDUCED_FPS
            fps = fps / _NTSC
        bt.pixelclock = round(self.total_width * self.total_height * fps)
        return timings

    def measured(self) -> s.DvTimings:
        """As the TC358743 reports it: all blanking in the sync lengths, the rate in whole Hz of fields.

        Source: tc358743_get_detected_timings in drivers/media/i2c/tc358743.c.
        """
        timings = s.DvTimings(type=DV_BT_656_1120)
        bt = timings.bt
        fields = 2 if self.interlaced else 1
        lines, total_lines = self.height // fields, self.total_height // fields
        rate = round(self.fps * fields)
        bt.width, bt.height, bt.interlaced = self.width, lines, DV_INTERLACED if self.interlaced else 0
        bt.hsync, bt.vsync = self.total_width - self.width, total_lines - lines
        bt.pixelclock = self.total_width * total_lines * rate
        if self.interlaced:
            bt.height *= 2
            bt.il_vsync = bt.vsync + 1
            bt.pixelclock //= 2
        return timings


HD1080P60 = Mode(1920, 1080, Fraction(60), 2200, 1125)
HD1080P5994 = Mode(1920, 1080, Fraction(60000, 1001), 2200, 1125)
HD1080P50 = Mode(1920, 1080, Fraction(50), 2640, 1125)
HD1080P30 = Mode(1920, 1080, Fraction(30), 2200, 1125)
HD1080I50 = Mode(1920, 1080, Fraction(25), 2640, 1125, interlaced=True)
HD1080I5994 = Mode(1920, 1080, Fraction(30000, 1001), 2200, 1125, interlaced=True)
HD720P60 = Mode(1280, 720, Fraction(60), 1650, 750)
HD720P50 = Mode(1280, 720, Fraction(50), 1980, 750)
SD576P50 = Mode(720, 576, Fraction(50), 864, 625)
UXGA60 = Mode(1600, 1200, Fraction(60), 2160, 1250)
WUXGA60 = Mode(1920, 1200, Fraction(60), 2080, 1235)
UHD2160P30 = Mode(3840, 2160, Fraction(30), 4400, 2250)
TABLE = (HD1080P60, HD1080P50, HD1080P30, HD720P60, HD720P50, SD576P50, UXGA60, WUXGA60)


def same_timings(one: s.DvTimings, other: s.DvTimings) -> bool:
    """v4l2_match_dv_timings with no tolerance."""
    names = (
        *("width", "height", "interlaced", "pixelclock", "polarities"),
        *("hfrontporch", "hsync", "hbackporch", "vfrontporch", "vsync", "vbackporch"),
        *("il_vfrontporch", "il_vsync", "il_vbackporch"),
    )
    return all(getattr(one.bt, name) == getattr(other.bt, name) for name in names)


def copy_timings(source: s.DvTimings, into: s.DvTimings) -> None:
    into.type = source.type
    into.bt = source.bt
