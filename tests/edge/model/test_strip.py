from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edge.model import strip


def _luma(word: bytes) -> list[int]:
    return [235 if byte >> (7 - bit) & 1 else 16 for byte in word for bit in range(8)]


def test_check_value_of_the_crc_is_the_known_one() -> None:
    assert strip.crc8(b"123456789") == 0xF4  # CRC-8/SMBUS: polynomial 0x07, initial 0, not reflected


def test_word_starts_with_the_sync_of_the_contract() -> None:
    assert strip.strip_word(0)[0] == 0b10101100
    assert strip.strip_word(1)[1:7] == b"\0\0\0\0\0\1"


@given(st.integers(0, 2**60))
def test_what_is_written_is_read_modulo_two_to_the_48(utc_us: int) -> None:
    assert strip.read_cells(_luma(strip.strip_word(utc_us))) == utc_us % 2**48


@given(st.integers(0, 2**48 - 1), st.integers(0, 63))
def test_one_wrong_cell_is_refused(utc_us: int, cell: int) -> None:
    luma = _luma(strip.strip_word(utc_us))
    luma[cell] = 251 - luma[cell]
    assert strip.read_cells(luma) is None


def test_picture_without_a_strip_is_refused() -> None:
    assert strip.read_cells([128] * 64) is None
    assert strip.read_cells([16] * 63) is None


@given(st.integers(2**50, 2**60), st.integers(-(2**40), 2**40))
def test_unwrapping_finds_the_time_nearest_to_now(now_us: int, age_us: int) -> None:
    assert strip.unwrap_us((now_us - age_us) % 2**48, now_us) == now_us - age_us


def test_cells_are_as_large_as_the_contract_says() -> None:
    assert [strip.cell_px(width) for width in (320, 511, 512, 1023, 1024, 3840)] == [0, 0, 8, 8, 16, 16]
