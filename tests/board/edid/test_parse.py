"""Reading: what an EDID says, each way in which one is broken, and that no bytes do worse than that."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from board.edid.build import build
from board.edid.description import Colour, RangeLimits
from board.edid.framing import mended
from board.edid.parse import parse, problems
from board.edid.presets import preset, preset_names
from board.edid.render import describe
from edge.model.errors import Invalid

GOOD = build(preset("4-lane"))
# the base block of a desktop monitor with VGA and DVI, as the maker wrote it
MONITOR = bytes.fromhex(
    "00ffffffffffff000469982401010101 1e1b01031e351e78ea9265a655559f28"
    "0d5054bfef00714f818081409500a940 b300d1c00101023a801871382d40582c"
    "4500132b2100001e000000fd00324c1e 5311000a202020202020000000fc0056"
    "533234380a20202020202020000000ff 0048374c4d51533132323136310a0000"
)


def changed(*changes: tuple[int, int], raw: bytes = GOOD) -> bytes:
    """With other bytes at some places, and right checksums."""
    spoilt = bytearray(raw)
    for at, value in changes:
        spoilt[at] = value
    return mended(bytes(spoilt))


def with_blocks(*blocks: bytes) -> bytes:
    """The base block of GOOD followed by these, each filled up to its length."""
    base = bytearray(GOOD[:128])
    base[126] = len(blocks)
    return mended(bytes(base) + b"".join(block.ljust(128, b"\0") for block in blocks))


def test_description_comes_back() -> None:
    told, meant = parse(GOOD), preset("4-lane")
    assert (told.manufacturer, told.name, told.year) == (meant.manufacturer, meant.name, meant.year)
    assert (told.physical_address, told.max_tmds_mhz, told.scdc) == ("1.0.0.0", 165, False)
    assert told.limits == RangeLimits(23, 61, 26, 75)
    assert told.preferred is not None
    assert told.preferred.timing == meant.preferred.timing
    assert told.preferred.places == ("detailed", "VIC 16")
    places = {offer.name: offer.places for offer in told.modes}
    assert places["1280x1024p60"] == ("standard",)
    assert places["640x480p60"] == ("established", "VIC 1")
    assert told.blocks == ("CTA-861 extension", "Video", "Vendor HDMI 1.4", "Video capability")


def test_monitor_of_a_maker_is_read() -> None:
    told = parse(MONITOR)
    assert (told.manufacturer, told.product, told.serial) == ("ACI", 0x2498, 0x01010101)
    assert (told.name, told.serial_text, told.year, told.size_cm) == ("VS248", "H7LMQS122161", 2017, (53, 30))
    assert (told.audio, told.physical_address, told.colours, told.block_count) == (False, None, (Colour.RGB,), 1)
    assert told.limits == RangeLimits(50, 76, 30, 83)
    assert {"1920x1080p60", "720x400p70", "832x624p75", "1152x864p75", "1440x900p60"} <= {m.name for m in told.modes}


def test_hdmi_two_is_read() -> None:
    told = parse(build(preset("2160p60")))
    assert (told.max_tmds_mhz, told.scdc) == (600, True)
    assert "Vendor HDMI Forum (2.0)" in told.blocks
    assert next(m.places for m in told.modes if m.name == "3840x2160p30") == ("VIC 95", "HDMI VIC 1")


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "is empty"),
        (GOOD[:100], "length is 100 bytes, which is not a multiple of 128"),
        (GOOD + b"\n", "length is 257 bytes, which is not a multiple of 128"),
        (GOOD[:128], "block 0 announces 1 extension block(s), 0 follow(s)"),
        (changed((126, 2)), "block 0 announces 2 extension block(s), 1 follow(s)"),
        (with_blocks(*[GOOD[128:]] * 8), "has 9 blocks, at most 8 are allowed"),
        (
            changed((0, 1)),
            "block 0: wrong header: expected 00 ff ff ff ff ff ff 00, got 01 ff ff ff ff ff ff 00",
        ),
        (GOOD[:-1] + bytes((GOOD[-1] ^ 0x40,)), "block 1: wrong checksum: expected 0x"),
        (changed((56, 0), (58, 0)), "block 0: the detailed timing at byte 54 has no picture"),
        (changed((130, 2)), "block 1: detailed timings cannot begin at byte 2"),
        (changed((130, 200)), "block 1: detailed timings cannot begin at byte 200"),
        (changed((132, 0x5F)), "block 1: the data block at byte 4 runs past its collection, which ends at 26"),
        (changed((130, 120), (132, 0), (248, 1)), "block 1: the detailed timing at byte 120 is cut off after 7 of 18"),
        (
            with_blocks(bytes((2, 3, 4, 0)) + b"\1" * 5 + b"\0" * 13),
            "block 1: the detailed timing at byte 4 has no picture",
        ),
    ],
)
def test_each_fault_is_named_with_its_place(raw: bytes, message: str) -> None:
    with pytest.raises(Invalid) as caught:
        parse(raw)
    assert caught.value.code == "edid_invalid"
    assert message in str(caught.value)
    assert problems(raw) == tuple(str(caught.value).splitlines())


def test_checksum_is_said_as_expected_and_as_got() -> None:
    right = GOOD[127]
    spoilt = GOOD[:127] + bytes((right ^ 1,)) + GOOD[128:]
    assert problems(spoilt) == (f"block 0: wrong checksum: expected 0x{right:02x}, got 0x{right ^ 1:02x}",)


def test_all_faults_of_the_frame_are_told_together() -> None:
    spoilt = bytes(8) + GOOD[8:200]
    assert [line.partition(":")[0] for line in problems(spoilt)] == [
        "length is 200 bytes, which is not a multiple of 128",
        "block 0",
        "block 0",
    ]


def test_good_edid_has_no_problem() -> None:
    assert [problems(build(preset(name))) for name in preset_names()] == [()] * len(preset_names())
    assert problems(MONITOR) == ()


def test_extensions_of_others_are_named_and_left_alone() -> None:
    told = parse(with_blocks(b"\x70", b"\x99", bytes((2, 3, 0, 0))))
    assert told.blocks == ("DisplayID extension", "Extension 0x99", "CTA-861 extension")


def test_hdmi_two_one_may_count_its_extensions_elsewhere() -> None:
    """HF-EEODB: byte 126 says 1 to old sources, the first data block says 2."""
    raw = bytearray(with_blocks(bytes((2, 3, 7, 0, 0xE2, 0x78, 2)), b"\x70"))
    raw[126] = 1
    assert parse(mended(bytes(raw))).blocks == (
        "CTA-861 extension",
        "HDMI Forum extension count",
        "DisplayID extension",
    )


def test_data_blocks_are_known_by_name() -> None:
    collection = bytes.fromhex("e305c000 e200ca e50f00000000 65030c001000 66aabbcc010203 60")
    told = parse(with_blocks(bytes((2, 3, 4 + len(collection), 0)) + collection))
    assert told.blocks[1:] == (
        *("Colorimetry", "Video capability", "YCbCr 4:2:0 capability map", "Vendor HDMI 1.4"),
        *("Vendor cc-bb-aa", "Vendor without a name"),
    )
    assert (told.physical_address, told.max_tmds_mhz) == ("1.0.0.0", None)


def test_native_flag_is_no_part_of_a_code() -> None:
    collection = bytes((0x44, 0x90, 0x81, 193, 128))
    told = parse(with_blocks(bytes((2, 3, 4 + len(collection), 0)) + collection))
    places = [place for offer in told.modes for place in offer.places if place.startswith("VIC")]
    assert sorted(places) == ["VIC 1", "VIC 128", "VIC 16", "VIC 193"]
    assert next(m.name for m in told.modes if m.places == ("VIC 128",)) == "unknown"


def test_modes_of_hdmi_follow_its_latencies() -> None:
    payload = bytes.fromhex("030c0010000000e0 01020304 00 60 030104")
    collection = bytes((0x60 | len(payload),)) + payload
    told = parse(with_blocks(bytes((2, 3, 4 + len(collection), 0)) + collection))
    hdmi = [place for offer in told.modes for place in offer.places if place.startswith("HDMI")]
    assert hdmi == ["HDMI VIC 3", "HDMI VIC 1", "HDMI VIC 4"]


def test_modes_for_subsampled_colour_only_say_so() -> None:
    collection = bytes((0xE2, 0x0E, 97))
    told = parse(with_blocks(bytes((2, 3, 7, 0)) + collection))
    assert next(m.places for m in told.modes if m.name == "3840x2160p60") == ("VIC 97 4:2:0 only",)


def test_same_size_at_another_clock_stays_a_mode_of_its_own() -> None:
    raw = changed((54, 0x00), (55, 0x3B))  # the preferred timing at 151.04 MHz
    assert next(m.places for m in parse(raw).modes if m.timing and m.timing.width == 1920) == ("detailed",)
    assert ("VIC 16",) in [m.places for m in parse(raw).modes]


def test_letters_that_no_terminal_should_get_are_replaced() -> None:
    told = parse(changed((113, 0x1B), (8, 0), (9, 0)))
    assert (told.name[0], told.manufacturer) == ("?", "???")


def survives(raw: bytes) -> None:
    wrong = problems(raw)
    if wrong:
        with pytest.raises(Invalid) as caught:
            parse(raw)
        assert (caught.value.code, str(caught.value).splitlines()) == ("edid_invalid", list(wrong))
    else:
        assert all(line.isprintable() for line in describe(parse(raw)))


@given(st.binary(max_size=1200))
@example(b"\0" * 128)
def test_hostile_bytes_do_no_worse_than_invalid(raw: bytes) -> None:
    survives(raw)


@given(st.lists(st.binary(min_size=127, max_size=127), max_size=3), st.binary(min_size=118, max_size=118))
def test_hostile_words_in_a_right_frame_do_no_worse(extensions: list[bytes], words: bytes) -> None:
    base = GOOD[:8] + words + bytes((len(extensions), 0))
    survives(mended(base + b"".join(b"\x02" + block[1:] + b"\0" for block in extensions)))


@given(st.lists(st.tuples(st.integers(8, 255), st.integers(0, 255)), max_size=12))
def test_spoilt_edid_does_no_worse(changes: list[tuple[int, int]]) -> None:
    survives(changed(*changes, raw=build(preset("2160p60"))))
