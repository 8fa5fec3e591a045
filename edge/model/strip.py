"""Time strip in the picture: 64 square cells from pixel (0, 0) that carry the UTC capture time.

Luma 235 is a one, 16 a zero, chroma neutral. Cells 0-7 are the sync pattern, 8-55 the capture
time in microseconds modulo 2**48 (most significant bit first), 56-63 a CRC-8 (polynomial 0x07,
initial value 0, not reflected) over those six bytes. Source: docs/contracts/timing.md.
"""

from __future__ import annotations

from collections.abc import Sequence

CELLS = 64
LUMA_ONE = 235
LUMA_ZERO = 16
NEUTRAL_CHROMA = 128
_SYNC = 0b10101100
_TIME_MASK = (1 << 48) - 1


def _crc8_table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = ((crc << 1) ^ 0x07) & 0xFF if crc & 0x80 else crc << 1
        table.append(crc)
    return tuple(table)


_CRC8 = _crc8_table()


def crc8(payload: bytes) -> int:
    crc = 0
    for byte in payload:
        crc = _CRC8[crc ^ byte]
    return crc


def cell_px(width: int) -> int:
    """Side of a cell in pixels for a picture of that width; 0 when it carries no strip."""
    if width >= 1024:
        return 16
    return 8 if width >= 512 else 0


def strip_word(utc_us: int) -> bytes:
    """The 8 bytes whose bits, most significant first, are the 64 cells."""
    six = (utc_us & _TIME_MASK).to_bytes(6, "big")
    return bytes((_SYNC,)) + six + bytes((crc8(six),))


def read_cells(luma: Sequence[int]) -> int | None:
    """Capture time in microseconds modulo 2**48 from the luma of 64 cell centres.

    None when sync or CRC is wrong: not a strip, or a damaged one.
    """
    if len(luma) != CELLS:
        return None
    word = 0
    for value in luma:
        word = word << 1 | (value > (LUMA_ONE + LUMA_ZERO) // 2)
    raw = word.to_bytes(8, "big")
    if raw[0] != _SYNC or crc8(raw[1:7]) != raw[7]:
        return None
    return int.from_bytes(raw[1:7], "big")


def unwrap_us(strip_us: int, near_us: int) -> int:
    """The full UTC time in microseconds nearest to `near_us` that a strip value stands for."""
    offset = (strip_us - near_us) & _TIME_MASK
    return near_us + (offset - (1 << 48) if offset >= 1 << 47 else offset)
