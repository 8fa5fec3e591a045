"""The detailed timing descriptor: 18 bytes that hold one timing (VESA E-EDID A2, section 3.12)."""

from __future__ import annotations

from dataclasses import replace

from board.edid.framing import invalid
from board.edid.timing import Timing

LENGTH = 18
UNFIT = "is too large for a detailed timing"
_LONGEST_FRONT = 1020  # of ten bits, in the steps of four pixels that graphics cards want
_SEPARATE_SYNC = 0x18
_INTERLACED = 0x80


def as_dtd(timing: Timing) -> Timing:
    """What is left of it in a detailed timing: the clock in steps of 10 kHz, fields that differ by a line.

    Of a front porch that is too long, as that of 2160p50, the rest goes behind the sync: the rate stays as it is.
    """
    over = max(0, timing.h_front - _LONGEST_FRONT)
    return replace(
        timing,
        clock_khz=(timing.clock_khz + 5) // 10 * 10,
        h_front=timing.h_front - over,
        h_back=timing.h_back + over,
        even_fields=False,
    )


def fits_dtd(timing: Timing) -> bool:
    """Pictures of 4096 pixels and more are too large for it."""
    kept = as_dtd(timing)
    return (
        kept.clock_khz // 10 <= 0xFFFF
        and max(kept.width, _lines(kept), kept.h_blank, kept.v_blank) < 4096
        and kept.h_sync < 1024
        and max(kept.v_front, kept.v_sync) < 64
    )


def encode_dtd(timing: Timing, size_mm: tuple[int, int]) -> bytes:
    """What `as_dtd` leaves of it. Raises Invalid (edid_invalid) for a timing that does not fit."""
    if not fits_dtd(timing):
        raise invalid(f"{timing.width}x{timing.height}: {UNFIT}")
    timing = as_dtd(timing)
    lines = _lines(timing)
    flags = _SEPARATE_SYNC | (_INTERLACED if timing.interlaced else 0)
    flags |= (2 if timing.h_positive else 0) | (4 if timing.v_positive else 0)
    sync_high = (timing.h_front >> 8) << 6 | (timing.h_sync >> 8) << 4 | (timing.v_front >> 4) << 2 | timing.v_sync >> 4
    return (
        (timing.clock_khz // 10).to_bytes(2, "little")
        + _pair(timing.width, timing.h_blank)
        + _pair(lines, timing.v_blank)
        + bytes((timing.h_front & 255, timing.h_sync & 255))
        + bytes(((timing.v_front & 15) << 4 | timing.v_sync & 15, sync_high))
        + _pair(*size_mm)
        + bytes((0, 0, flags))
    )


def decode_dtd(raw: bytes) -> Timing | None:
    """18 bytes; None when they hold another descriptor or no picture."""
    clock_khz = int.from_bytes(raw[:2], "little") * 10
    width, h_blank = _unpair(raw[2:5])
    lines, v_blank = _unpair(raw[5:8])
    interlaced = bool(raw[17] & _INTERLACED)
    h_front, h_sync = raw[8] | (raw[11] >> 6) << 8, raw[9] | (raw[11] >> 4 & 3) << 8
    v_front, v_sync = raw[10] >> 4 | (raw[11] >> 2 & 3) << 4, raw[10] & 15 | (raw[11] & 3) << 4
    if not (clock_khz and width and lines):
        return None
    separate = raw[17] & _SEPARATE_SYNC == _SEPARATE_SYNC
    return Timing(
        width=width,
        height=lines * 2 if interlaced else lines,
        interlaced=interlaced,
        clock_khz=clock_khz,
        h_front=h_front,
        h_sync=h_sync,
        h_back=h_blank - h_front - h_sync,
        v_front=v_front,
        v_sync=v_sync,
        v_back=v_blank - v_front - v_sync,
        h_positive=bool(raw[17] & 2),
        v_positive=separate and bool(raw[17] & 4),
    )


def _lines(timing: Timing) -> int:
    """The format counts those of one field."""
    return timing.height // 2 if timing.interlaced else timing.height


def _pair(first: int, second: int) -> bytes:
    """Two numbers of 12 bits: both low bytes, then both high halves."""
    return bytes((first & 255, second & 255, first >> 8 << 4 | second >> 8))


def _unpair(raw: bytes) -> tuple[int, int]:
    return raw[0] | raw[2] >> 4 << 8, raw[1] | (raw[2] & 15) << 8
