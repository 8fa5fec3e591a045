"""The detailed timing descriptor, both ways."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from board.edid.dtd import as_dtd, decode_dtd, encode_dtd, fits_dtd
from board.edid.modes import BY_DMT, BY_VIC, mode
from board.edid.timing import Timing
from edge.model.errors import Invalid


def test_1080p60_is_the_descriptor_that_every_monitor_has() -> None:
    raw = encode_dtd(mode("1080p60").timing, (530, 299))
    assert raw.hex() == "023a801871382d40582c4500122b2100001e"
    assert decode_dtd(raw) == mode("1080p60").timing


def test_each_known_mode_that_fits_comes_back() -> None:
    known = [each.timing for each in (*BY_VIC.values(), *BY_DMT.values())]
    fitting = [timing for timing in known if fits_dtd(timing)]
    assert len(fitting) > 180
    assert [timing for timing in fitting if decode_dtd(encode_dtd(timing, (100, 100))) != as_dtd(timing)] == []


def test_interlaced_lines_are_those_of_a_field() -> None:
    raw = encode_dtd(mode("1080i50").timing, (0, 0))
    assert raw[5] | raw[7] >> 4 << 8 == 540
    assert decode_dtd(raw) == mode("1080i50").timing


def test_long_front_porch_moves_behind_the_sync_and_keeps_the_rate() -> None:
    told = decode_dtd(encode_dtd(mode("2160p50").timing, (0, 0)))
    assert told is not None
    assert (told.rate_hz, told.h_blank, told.h_front) == (50, mode("2160p50").timing.h_blank, 1020)


def test_picture_too_large_is_refused() -> None:
    with pytest.raises(Invalid, match="4096x2160: is too large for a detailed timing"):
        encode_dtd(mode("4096x2160p60").timing, (0, 0))


@pytest.mark.parametrize("raw", [bytes(18), b"\1\0" + bytes(16), bytes.fromhex("000000fc0041") + bytes(12)])
def test_other_descriptors_are_no_timing(raw: bytes) -> None:
    assert decode_dtd(raw) is None


@given(st.binary(min_size=18, max_size=18))
def test_any_bytes_give_a_rate_or_nothing(raw: bytes) -> None:
    timing = decode_dtd(raw)
    assert timing is None or (isinstance(timing, Timing) and timing.rate_hz > 0)
