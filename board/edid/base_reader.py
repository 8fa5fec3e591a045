"""Reads the base block."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from board.edid.description import RangeLimits
from board.edid.dtd import LENGTH, decode_dtd
from board.edid.edid import Offer
from board.edid.modes import BY_DMT, named
from board.edid.timing import Timing

# bytes 35 to 37 from the highest bit on, as size and rate or as an id of VESA DMT
_ESTABLISHED: tuple[int | tuple[int, int, int], ...] = (
    *((720, 400, 70), (720, 400, 88), 0x04, (640, 480, 67), 0x05, 0x06, 0x08, 0x09),
    *(0x0A, 0x0B, (832, 624, 75), 0x0F, 0x10, 0x11, 0x12, 0x24),
    (1152, 870, 75),
)
_ASPECTS = ((16, 10), (4, 3), (5, 4), (16, 9))
_DESCRIPTORS = (54, 72, 90, 108)


@dataclass(frozen=True, slots=True)
class Identity:
    manufacturer: str
    product: int
    serial: int
    year: int
    version: str
    size_cm: tuple[int, int]


def read_identity(block: bytes) -> Identity:
    """A letter out of A to Z shows as `?`."""
    word = int.from_bytes(block[8:10], "big")
    letters = (word >> 10 & 31, word >> 5 & 31, word & 31)
    return Identity(
        manufacturer="".join(chr(64 + letter) if 1 <= letter <= 26 else "?" for letter in letters),
        product=int.from_bytes(block[10:12], "little"),
        serial=int.from_bytes(block[12:16], "little"),
        year=1990 + block[17],
        version=f"{block[18]}.{block[19]}",
        size_cm=(block[21], block[22]),
    )


def read_text(block: bytes, tag: int) -> str:
    """Of the first descriptor with that tag; empty without one. What is no ASCII shows as `?`."""
    for raw in _descriptors(block, tag):
        letters = raw[5:].partition(b"\n")[0].decode("latin-1")
        return "".join(letter if " " <= letter <= "~" else "?" for letter in letters).strip()
    return ""


def read_limits(block: bytes) -> RangeLimits | None:
    """EDID 1.4 adds 255 where a bit of byte 4 says so."""
    for raw in _descriptors(block, 0xFD):
        v_min, v_max, h_min, h_max = (raw[5 + at] + (255 if raw[4] >> at & 1 else 0) for at in range(4))
        return RangeLimits(v_min, v_max, h_min, h_max)
    return None


def base_offers(block: bytes) -> Iterator[Offer]:
    """In the order of the block: detailed timings first, the preferred one of them leading."""
    for at in _DESCRIPTORS:
        if timing := decode_dtd(block[at : at + LENGTH]):
            yield offer_of(timing, "detailed")
    bits = int.from_bytes(block[35:38], "big")
    for number, known in enumerate(_ESTABLISHED):
        if bits >> 23 - number & 1:
            yield _established(known)
    for at in range(38, 54, 2):
        yield from _standard(block[at], block[at + 1])


def base_problems(block: bytes) -> Iterator[str]:
    for at in _DESCRIPTORS:
        if block[at : at + 2] != b"\0\0" and decode_dtd(block[at : at + LENGTH]) is None:
            yield f"block 0: the detailed timing at byte {at} has no picture"


def offer_of(timing: Timing, place: str) -> Offer:
    return Offer(named(timing).name, timing.rate_hz, timing, (place,))


def _established(known: int | tuple[int, int, int]) -> Offer:
    if isinstance(known, int):
        return _by_dmt(known, "established")
    width, height, rate = known
    return Offer(f"{width}x{height}p{rate}", Fraction(rate), None, ("established",))


def _by_dmt(number: int, place: str) -> Offer:
    timing = BY_DMT[number].timing
    return Offer(BY_DMT[number].name, timing.rate_hz, timing, (place,))


def _standard(first: int, second: int) -> Iterator[Offer]:
    if (first, second) == (1, 1) or first == 0:
        return
    width = (first + 31) * 8
    across, down = _ASPECTS[second >> 6]
    height, rate = width * down // across, (second & 63) + 60
    name = f"{width}x{height}p{rate}"
    known = next((number for number, each in BY_DMT.items() if each.name == name), None)
    yield _by_dmt(known, "standard") if known is not None else Offer(name, Fraction(rate), None, ("standard",))


def _descriptors(block: bytes, tag: int) -> Sequence[bytes]:
    found = (block[at : at + LENGTH] for at in _DESCRIPTORS)
    return [raw for raw in found if raw[:3] == b"\0\0\0" and raw[3] == tag]
