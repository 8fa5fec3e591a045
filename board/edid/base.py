"""The base block (VESA E-EDID A2, EDID 1.3: what medical sources of any age understand)."""

from __future__ import annotations

import math

from board.edid.description import Description, RangeLimits
from board.edid.dtd import LENGTH, encode_dtd
from board.edid.framing import HEADER
from board.edid.modes import Mode

# sRGB's primaries and white point, as the ten bytes that E-EDID A2 makes of them
_SRGB = bytes.fromhex("ee91a3544c99260f5054")
_DIGITAL = 0x80
_GAMMA_2_2 = 120
_RGB_SRGB_PREFERRED = 0x0E  # colour display, sRGB is the default, the first detailed timing is preferred
_ESTABLISHED = {"640x480p60": (0, 0x20), "800x600p60": (0, 0x01), "1024x768p60": (1, 0x08)}
_STANDARD_ASPECTS = {(16, 10): 0, (4, 3): 1, (5, 4): 2, (16, 9): 3}
_STANDARD_SLOTS = 8
_NO_STANDARD = b"\x01"  # twice
_DESCRIPTORS = 4
_DUMMY = bytes((0, 0, 0, 0x10)).ljust(LENGTH, b"\0")
_EXTENSIONS = 1


def base_block(description: Description, *, product: int, serial: int) -> tuple[bytes, tuple[Mode, ...]]:
    """(127 bytes, the modes without VIC that found no room and need a detailed timing in an extension)."""
    established = [each for each in description.offered if each.name in _ESTABLISHED]
    # all that has a VIC goes into the extension
    others = [each for each in description.offered[1:] if each.vic is None and each not in established]
    standard = [each for each in others if _standard(each)][:_STANDARD_SLOTS]
    detailed = [each for each in others if each not in standard]
    descriptors = [encode_dtd(each.timing, description.size_mm) for each in (description.preferred, *detailed[:1])]
    descriptors += [_range_limits(description), _name(description.name)]
    descriptors += [_DUMMY] * (_DESCRIPTORS - len(descriptors))
    block = (
        HEADER
        + _identity(description, product, serial)
        + bytes((1, 3, _DIGITAL, round(description.size_mm[0] / 10), round(description.size_mm[1] / 10)))
        + bytes((_GAMMA_2_2, _RGB_SRGB_PREFERRED))
        + _SRGB
        + _established(established)
        + b"".join(_standard(each) for each in standard).ljust(2 * _STANDARD_SLOTS, _NO_STANDARD)
        + b"".join(descriptors)
        + bytes((_EXTENSIONS,))
    )
    return block, tuple(detailed[1:])


def range_limits(description: Description) -> RangeLimits:
    """What the description says, or just wide enough for its modes and their 1000/1001 neighbours."""
    if description.limits is not None:
        return description.limits
    timings = [each.timing for each in description.offered]
    return RangeLimits(
        v_min_hz=math.floor(min(timing.rate_hz for timing in timings) * 1000 / 1001),
        v_max_hz=math.ceil(max(timing.rate_hz for timing in timings)),
        h_min_khz=math.floor(min(timing.line_khz for timing in timings) * 1000 / 1001),
        h_max_khz=math.ceil(max(timing.line_khz for timing in timings)),
    )


def _identity(description: Description, product: int, serial: int) -> bytes:
    first, second, third = (ord(letter) - ord("A") + 1 for letter in description.manufacturer)
    return (
        (first << 10 | second << 5 | third).to_bytes(2, "big")
        + product.to_bytes(2, "little")
        + serial.to_bytes(4, "little")
        + bytes((0, description.year - 1990))
    )


def _established(modes: list[Mode]) -> bytes:
    bits = [0, 0, 0]
    for each in modes:
        byte, bit = _ESTABLISHED[each.name]
        bits[byte] |= bit
    return bytes(bits)


def _standard(each: Mode) -> bytes:
    """Two bytes; empty when the mode is not one that a standard timing stands for."""
    timing = each.timing
    aspect = next((code for (w, h), code in _STANDARD_ASPECTS.items() if timing.width * h == timing.height * w), None)
    fits = 256 <= timing.width <= 2288 and timing.width % 8 == 0 and 60 <= round(timing.rate_hz) <= 123
    if each.dmt is None or each.name.endswith("rb") or timing.interlaced or aspect is None or not fits:
        return b""
    return bytes((timing.width // 8 - 31, aspect << 6 | round(timing.rate_hz) - 60))


def _range_limits(description: Description) -> bytes:
    limits = range_limits(description)
    rates = (limits.v_min_hz, limits.v_max_hz, limits.h_min_khz, limits.h_max_khz)
    clock_10mhz = math.ceil(description.receiver.max_clock_khz / 10_000)
    return bytes((0, 0, 0, 0xFD, 0, *rates, clock_10mhz, 0, 0x0A)) + b" " * 6


def _name(text: str) -> bytes:
    """Up to 13 letters, ended by a line feed where there is room."""
    ended = text.encode("ascii") + (b"\n" if len(text) < 13 else b"")
    return bytes((0, 0, 0, 0xFC, 0)) + ended.ljust(13, b" ")
