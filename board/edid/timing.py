"""The timing of a video signal."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class Timing:
    """`height` counts the lines of a whole picture, the vertical porches and sync those of one field.

    The fields of an interlaced signal differ by a line, except where `even_fields` is set.
    """

    width: int
    height: int
    interlaced: bool
    clock_khz: int
    h_front: int
    h_sync: int
    h_back: int
    v_front: int
    v_sync: int
    v_back: int
    h_positive: bool
    v_positive: bool
    even_fields: bool = False

    @property
    def h_blank(self) -> int:
        return self.h_front + self.h_sync + self.h_back

    @property
    def v_blank(self) -> int:
        """Lines of one field."""
        return self.v_front + self.v_sync + self.v_back

    @property
    def v_total(self) -> int:
        """Lines of a whole picture."""
        if not self.interlaced:
            return self.height + self.v_blank
        return self.height + 2 * self.v_blank + (0 if self.even_fields else 1)

    @property
    def picture_hz(self) -> Fraction:
        """Whole pictures a second."""
        return Fraction(self.clock_khz * 1000, (self.width + self.h_blank) * self.v_total)

    @property
    def rate_hz(self) -> Fraction:
        """What people call the rate: pictures a second, or fields when interlaced."""
        return self.picture_hz * (2 if self.interlaced else 1)

    @property
    def line_khz(self) -> Fraction:
        return Fraction(self.clock_khz, self.width + self.h_blank)
