"""What an EDID is to say, in words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from enum import StrEnum

from board.edid.dtd import UNFIT, fits_dtd
from board.edid.modes import SAFE_MODE, Mode, mode
from board.edid.receiver import Receiver

_ADDRESS = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{1,2})\.(\d{1,2})")


class Colour(StrEnum):
    """How a source may code its pixels."""

    RGB = "rgb"
    YCBCR422 = "ycbcr422"
    YCBCR444 = "ycbcr444"


@dataclass(frozen=True, slots=True)
class RangeLimits:
    """Rates of fields in Hz, and of lines in kHz."""

    v_min_hz: int
    v_max_hz: int
    h_min_khz: int
    h_max_khz: int


@dataclass(frozen=True, slots=True)
class Description:
    """`product` and `serial` of None follow from the rest: hosts keep what they learnt of a display by these.

    `modes` are the further ones beside `preferred`, the most wanted first; 640x480p60 is always offered.
    `physical_address` is where the source stands in the CEC tree. `limits` of None: just wide enough.
    """

    manufacturer: str
    name: str
    year: int
    size_mm: tuple[int, int]
    preferred: Mode
    modes: tuple[Mode, ...]
    receiver: Receiver
    audio: bool = False
    colours: tuple[Colour, ...] = (Colour.RGB,)
    physical_address: str = "1.0.0.0"
    product: int | None = None
    serial: int | None = None
    limits: RangeLimits | None = None

    @property
    def offered(self) -> tuple[Mode, ...]:
        """Every mode once, the preferred one first."""
        return tuple(dict.fromkeys((self.preferred, *self.modes, mode(SAFE_MODE))))


def description_problems(description: Description) -> Iterator[str]:
    """Each `key: what is wrong`; none when an EDID can be built."""
    if not re.fullmatch("[A-Z]{3}", description.manufacturer):
        yield f"manufacturer: must be three capital letters, got {description.manufacturer!r}"
    if not re.fullmatch("[!-~]([ -~]{0,11}[!-~])?", description.name):
        yield f"name: must be 1 to 13 characters of ASCII, got {description.name!r}"
    if not 1990 <= description.year <= 2245:
        yield f"year: {description.year} is outside 1990..2245"
    if not all(10 <= side <= 2550 for side in description.size_mm):
        yield f"size_mm: {description.size_mm[0]} x {description.size_mm[1]} is outside 10..2550"
    yield from _colour_problems(description.colours)
    if physical_address(description.physical_address) is None:
        yield f"physical_address: {description.physical_address!r} is not one that a source can have, as 1.0.0.0"
    if description.product is not None and not 1 <= description.product <= 0xFFFF:
        yield f"product: {description.product} is outside 1..65535"
    if description.serial is not None and not 1 <= description.serial <= 0xFFFF_FFFF:
        yield f"serial: {description.serial} is outside 1..4294967295"
    if not 25_175 <= description.receiver.max_clock_khz <= 600_000:
        yield f"receiver: {description.receiver.max_clock_khz} kHz is outside the 25175..600000 of HDMI 2.0"
    if description.limits and max(astuple(description.limits)) > 255:
        yield "range: a rate is above 255, which an EDID of version 1.3 cannot say"
    yield from _mode_problems(description)


def physical_address(text: str) -> int | None:
    """Of four digits 0..15: the first not 0, nothing after a 0, and not all 15. None for any other text."""
    found = _ADDRESS.fullmatch(text)
    digits = [int(digit) for digit in found.groups()] if found else []
    length = digits.index(0) if 0 in digits else len(digits)
    if not length or any(digits[length:]) or max(digits) > 15 or min(digits) == 15:
        return None
    return digits[0] << 12 | digits[1] << 8 | digits[2] << 4 | digits[3]


def _colour_problems(colours: tuple[Colour, ...]) -> Iterator[str]:
    if Colour.RGB not in colours:
        yield "colours: rgb is missing, which every HDMI input must take"
    if (Colour.YCBCR422 in colours) != (Colour.YCBCR444 in colours):
        yield "colours: ycbcr422 and ycbcr444 go together, as HDMI 1.4 says in section 6.2.3"


def _mode_problems(description: Description) -> Iterator[str]:
    if not fits_dtd(description.preferred.timing):
        yield f"preferred: {description.preferred.name} {UNFIT}"
    for each in description.offered:
        refusal = description.receiver.refusal(each.timing)
        if refusal:
            yield f"{each.name}: {refusal}"
        elif max(each.timing.rate_hz, each.timing.line_khz) > 255:
            yield f"{each.name}: has a rate above 255 Hz or kHz, which an EDID of version 1.3 cannot say"
        elif description.limits and not _within(each, description.limits):
            yield f"{each.name}: is outside the range limits"


def _within(each: Mode, limits: RangeLimits) -> bool:
    return (
        limits.v_min_hz <= each.timing.rate_hz <= limits.v_max_hz
        and limits.h_min_khz <= each.timing.line_khz <= limits.h_max_khz
    )
