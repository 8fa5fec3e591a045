"""What an EDID says: the result of reading one."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from board.edid.description import Colour, RangeLimits
from board.edid.timing import Timing


@dataclass(frozen=True, slots=True)
class Offer:
    """One mode that the source may choose. `timing` is None where only size and rate are told.

    `rate_hz` counts fields when interlaced. `places` are where it stands, as "VIC 31" or "detailed".
    """

    name: str
    rate_hz: Fraction
    timing: Timing | None
    places: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Edid:
    """`blocks` are the data blocks and extensions by name. `year` counts as written, of make or model.

    `physical_address`, `max_tmds_mhz`: None without an HDMI block. `scdc`: HDMI 2.0 can be switched on.
    """

    manufacturer: str
    product: int
    serial: int
    name: str
    serial_text: str
    year: int
    version: str
    size_cm: tuple[int, int]
    preferred: Offer | None
    modes: tuple[Offer, ...]
    limits: RangeLimits | None
    audio: bool
    colours: tuple[Colour, ...]
    physical_address: str | None
    max_tmds_mhz: int | None
    scdc: bool
    blocks: tuple[str, ...]
    block_count: int
