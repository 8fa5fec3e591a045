"""What may go wrong with the simulated board, in the words of its script and of `sim.fault`."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from edge.model.errors import Invalid
from edge.model.signal import SignalState

_MODE = re.compile(r"(\d{2,4})x(\d{2,4})@(\d{1,3}(?:\.\d{1,3})?|\d{1,6}/[1-9]\d{0,3})")
_NTSC = {"23.976": Fraction(24000, 1001), "29.97": Fraction(30000, 1001), "59.94": Fraction(60000, 1001)}


class FaultKind(StrEnum):
    """The first four: no picture and the source says so. `clear`: nothing is wrong."""

    NO_SIGNAL = "no_signal"
    NO_LOCK = "no_lock"
    NO_CABLE = "no_cable"
    OUT_OF_RANGE = "out_of_range"
    STALL = "stall"
    FREEZE = "freeze"
    MODE = "mode"
    GONE = "gone"
    CLEAR = "clear"


@dataclass(frozen=True, slots=True)
class Mode:
    """What the cable carries: size in pixels, frames per second. Raises Invalid when not drawable."""

    width: int
    height: int
    fps: Fraction

    def __post_init__(self) -> None:
        if not (64 <= self.width <= 4096 and 64 <= self.height <= 2304) or self.width % 2 or self.height % 2:
            raise Invalid(f"mode {self}: sides must be even, 64x64 to 4096x2304")
        if not 1 <= self.fps <= 120:
            raise Invalid(f"mode {self}: frames per second must be 1 to 120")

    def __str__(self) -> str:
        return f"{self.width}x{self.height}@{float(self.fps):.5g}"


@dataclass(frozen=True, slots=True)
class SimFault:
    """`mode` only with kind MODE."""

    kind: FaultKind
    mode: Mode | None = None

    @property
    def signal_state(self) -> SignalState:
        """What the source says of its input meanwhile; LOCKED also for faults that it cannot see."""
        if self.kind is FaultKind.GONE:
            return SignalState.NO_DEVICE
        try:
            return SignalState(self.kind.value)
        except ValueError:
            return SignalState.LOCKED


NO_FAULT = SimFault(FaultKind.CLEAR)


def parse_fault(text: str) -> SimFault:
    """`no_signal`, `mode:1280x720@50` and so on. Raises Invalid naming what is allowed."""
    word, colon, rest = text.partition(":")
    allowed = ", ".join(kind.value if kind is not FaultKind.MODE else "mode:WIDTHxHEIGHT@FPS" for kind in FaultKind)
    if word not in set(FaultKind) or (colon and word != FaultKind.MODE):
        raise Invalid(f"unknown fault {text!r}; allowed: {allowed}")
    return SimFault(FaultKind.MODE, _parse_mode(rest)) if word == FaultKind.MODE else SimFault(FaultKind(word))


def check_seconds(seconds: float | None) -> float | None:
    """A fault's length; None for until the next one. Raises Invalid unless above zero and finite."""
    if seconds is not None and not (seconds > 0 and math.isfinite(seconds)):
        raise Invalid(f"seconds of a fault must be a number above 0, not {seconds!r}")
    return seconds


def _parse_mode(text: str) -> Mode:
    match = _MODE.fullmatch(text)
    if match is None:
        raise Invalid(f"mode {text!r} is not WIDTHxHEIGHT@FPS, for example 1280x720@50")
    return Mode(int(match[1]), int(match[2]), _NTSC.get(match[3]) or Fraction(match[3]))
