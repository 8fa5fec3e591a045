"""What an HDMI receiver can take, and whether a mode is within it."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from board.edid.timing import Timing


@dataclass(frozen=True, slots=True)
class CsiLink:
    """The CSI-2 lanes between a bridge chip and the computer. `bytes_per_pixel`: 2 for UYVY, 3 for RGB."""

    lanes: int
    lane_mbps: int = 972
    bytes_per_pixel: int = 2

    def lanes_needed(self, timing: Timing) -> int:
        """As the driver of the TC358743 counts: active pixels only, and the rate rounded to whole pictures."""
        bits = timing.width * timing.height * round(timing.picture_hz) * self.bytes_per_pixel * 8
        return -(-bits // (self.lane_mbps * 1_000_000))


@dataclass(frozen=True, slots=True)
class Receiver:
    """`max_clock_khz` is of pixels, and so of TMDS characters: no deep colour is ever offered."""

    max_width: int
    max_height: int
    max_clock_khz: int
    interlaced: bool
    csi: CsiLink | None = None

    def refusal(self, timing: Timing) -> str | None:
        """Why it cannot carry that timing; None when it can."""
        if timing.interlaced and not self.interlaced:
            return "is interlaced, which the board cannot take"
        if timing.width > self.max_width or timing.height > self.max_height:
            return f"is larger than the board's {self.max_width}x{self.max_height}"
        if timing.clock_khz > self.max_clock_khz:
            return f"has a pixel clock of {_mhz(timing.clock_khz)} MHz, the board takes {_mhz(self.max_clock_khz)}"
        if self.csi is not None and (needed := self.csi.lanes_needed(timing)) > self.csi.lanes:
            pixel = f"{self.csi.bytes_per_pixel} bytes a pixel"
            return f"needs {needed} lanes of {self.csi.lane_mbps} Mb/s at {pixel}, the board has {self.csi.lanes}"
        return None


def tc358743(link: CsiLink) -> Receiver:
    """Toshiba's bridge, with the limits of its Linux driver."""
    return Receiver(max_width=1920, max_height=1200, max_clock_khz=165_000, interlaced=False, csi=link)


def _mhz(khz: int) -> str:
    return f"{float(Fraction(khz, 1000)):g}"
