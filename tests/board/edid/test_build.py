"""Building: what stands where, and what cannot be built."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from board.edid.build import build
from board.edid.description import Colour, Description, RangeLimits, physical_address
from board.edid.framing import checksum
from board.edid.modes import mode
from board.edid.parse import parse
from board.edid.presets import preset
from board.edid.receiver import Receiver
from edge.model.errors import Invalid
from tests.board.edid.edid_decode import judge

CARD = Receiver(max_width=4096, max_height=2160, max_clock_khz=600_000, interlaced=True)


def described(**changes: Any) -> Description:
    return replace(preset("4-lane"), **changes)


def test_two_blocks_with_right_checksums() -> None:
    raw = build(described())
    assert len(raw) == 256
    assert raw[:8] == bytes((0, 255, 255, 255, 255, 255, 255, 0))
    assert (raw[127], raw[255]) == (checksum(raw[:128]), checksum(raw[128:]))
    assert (sum(raw[:128]) % 256, sum(raw[128:]) % 256) == (0, 0)


def test_identity_is_where_the_standard_wants_it() -> None:
    raw = build(
        described(manufacturer="ACI", product=0x1234, serial=0x01020304, year=2027, name="A name of 13.", audio=True)
    )
    assert raw[8:16].hex() == "0469" + "3412" + "04030201"
    told = parse(raw)
    assert (told.manufacturer, told.product, told.serial) == ("ACI", 0x1234, 0x01020304)
    assert (told.year, told.version, told.size_cm) == (2027, "1.3", (71, 40))
    assert (told.name, told.audio, told.colours) == ("A name of 13.", True, tuple(Colour))


def test_product_and_serial_follow_from_the_content() -> None:
    first, again = parse(build(described())), parse(build(described()))
    assert (first.product, first.serial) == (again.product, again.serial)
    changed = [
        described(audio=True),
        described(name="Another"),
        described(modes=preset("4-lane").modes[:-1]),
        described(physical_address="2.0.0.0"),
        described(size_mm=(700, 400)),
    ]
    ids = {(told.product, told.serial) for told in (parse(build(each)) for each in changed)}
    assert len(ids | {(first.product, first.serial)}) == len(changed) + 1


def test_serial_is_the_same_in_every_release() -> None:
    """Hosts know the boxes in the field by it: a change here makes each of them a new display."""
    told = parse(build(preset("2-lane")))
    assert (f"{told.product:04x}", f"{told.serial:08x}") == ("78bf", "35bd0efd")


@pytest.mark.peer
def test_hdmi_two_has_its_vendor_block_and_scdc() -> None:
    text = judge(build(preset("2160p60"))).text
    assert "Vendor-Specific Data Block (HDMI Forum), OUI C4-5D-D8" in text
    assert "Maximum TMDS Character Rate: 600 MHz" in text
    assert "SCDC Present" in text
    assert "HDMI VIC 1:  3840x2160   30.000000 Hz" in text
    assert "HDMI Forum" not in judge(build(preset("2160p30"))).text


@pytest.mark.peer
def test_cec_address_and_clock_stand_in_the_hdmi_block() -> None:
    text = judge(build(described(physical_address="3.1.0.0"))).text
    assert "Source physical address: 3.1.0.0" in text
    assert "Maximum TMDS clock: 165 MHz" in text


@pytest.mark.peer
def test_audio_is_stereo_with_its_speakers() -> None:
    text = judge(build(described(audio=True))).text
    assert "Basic audio support" in text
    assert "Linear PCM:\n      Max channels: 2" in text
    assert "FL/FR - Front Left/Right" in text
    assert "audio" not in judge(build(described(audio=False))).text.lower()


@pytest.mark.peer
def test_range_is_just_wide_enough_or_as_said() -> None:
    assert "Monitor ranges (GTF): 23-61 Hz V, 26-75 kHz H, max dotclock 170 MHz" in judge(build(described())).text
    said = build(described(limits=RangeLimits(20, 80, 15, 90)))
    assert "20-80 Hz V, 15-90 kHz H" in judge(said).text
    assert judge(said).complaints == ()
    assert parse(said).limits == RangeLimits(20, 80, 15, 90)


@pytest.mark.peer
def test_rgb_only_says_so_and_passes() -> None:
    raw = build(described(colours=(Colour.RGB,)))
    assert "YCbCr 4" not in judge(raw).text
    assert judge(raw).complaints == ()
    assert parse(raw).colours == (Colour.RGB,)


@pytest.mark.peer
def test_modes_without_a_code_become_detailed_timings_of_both_blocks() -> None:
    names = ("1080p50rb", "1920x1200p60rb", "1280x800p60rb", "1440x900p60rb", "1366x768p60", "1400x1050p60")
    description = described(preferred=mode("1680x1050p60rb"), modes=tuple(map(mode, names)), receiver=CARD)
    verdict = judge(build(description))
    assert verdict.passed, verdict.text
    assert verdict.text.count("DTD ") - verdict.text.count("  DTD   1:") >= len(names)
    told = parse(build(description))
    assert {offer.name for offer in told.modes} == {each.name for each in description.offered}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"manufacturer": "SC"}, "manufacturer: must be three capital letters, got 'SC'"),
        ({"manufacturer": "scp"}, "manufacturer: must be three capital letters, got 'scp'"),
        ({"name": "fourteen chars"}, "name: must be 1 to 13 characters of ASCII, got 'fourteen chars'"),
        ({"name": "Übersicht"}, "name: must be 1 to 13 characters of ASCII, got 'Übersicht'"),
        ({"name": "A\n"}, "name: must be 1 to 13 characters of ASCII, got 'A\\n'"),
        ({"name": ""}, "name: must be 1 to 13 characters of ASCII, got ''"),
        ({"year": 1989}, "year: 1989 is outside 1990..2245"),
        ({"size_mm": (9, 300)}, "size_mm: 9 x 300 is outside 10..2550"),
        ({"colours": ()}, "colours: rgb is missing, which every HDMI input must take"),
        (
            {"colours": (Colour.RGB, Colour.YCBCR422)},
            "colours: ycbcr422 and ycbcr444 go together, as HDMI 1.4 says in section 6.2.3",
        ),
        (
            {"physical_address": "0.0.0.0"},
            "physical_address: '0.0.0.0' is not one that a source can have, as 1.0.0.0",
        ),
        ({"product": 0x10000}, "product: 65536 is outside 1..65535"),
        ({"serial": 0}, "serial: 0 is outside 1..4294967295"),
        (
            {"modes": (mode("1080i50"),)},
            "1920x1080i50: is interlaced, which the board cannot take",
        ),
        ({"limits": RangeLimits(50, 60, 26, 75)}, "1920x1080p30: is outside the range limits"),
        (
            {"limits": RangeLimits(20, 300, 26, 75)},
            "range: a rate is above 255, which an EDID of version 1.3 cannot say",
        ),
        ({"receiver": replace(CARD, max_clock_khz=1_200_000)}, "receiver: 1200000 kHz is outside the 25175..600000"),
        (
            {"receiver": CARD, "preferred": mode("4096x2160p30")},
            "preferred: 4096x2160p30 is too large for a detailed timing",
        ),
        ({"modes": (mode("vic63"), mode("vic64")) * 20 + tuple(mode(f"vic{n}") for n in range(1, 61))}, "1440x480i60"),
    ],
)
def test_what_cannot_be_built_is_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(Invalid) as caught:
        build(described(**changes))
    assert caught.value.code == "edid_invalid"
    assert message in str(caught.value)


def test_every_problem_is_a_line_of_its_own() -> None:
    with pytest.raises(Invalid) as caught:
        build(described(manufacturer="", name="", year=0))
    assert len(str(caught.value).splitlines()) == 3


def test_more_modes_than_there_is_room_for_are_refused() -> None:
    many = tuple(each for number in range(1, 60) if (each := mode(f"vic{number}")).timing.line_khz < 255)
    with pytest.raises(Invalid, match=r"too many modes: .* do not fit into one block"):
        build(described(modes=many, receiver=CARD))
    without_code = tuple(
        mode(f"{name}p60rb") for name in ("1680x1050", "1440x900", "1280x800", "1920x1200", "1400x1050")
    )
    more = (*without_code, *(mode(name) for name in ("1080p50rb", "1280x768p60rb", "1280x768p75", "1024x768p120rb")))
    with pytest.raises(Invalid, match="bytes more than an extension block has"):
        build(described(modes=more, receiver=CARD))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1.0.0.0", 0x1000),
        ("15.1.2.3", 0xF123),
        ("2.15.0.0", 0x2F00),
        ("0.0.0.0", None),
        ("1.0.1.0", None),
        ("0.1.0.0", None),
        ("16.0.0.0", None),
        ("15.15.15.15", None),
        ("1.0.0", None),
        ("1.0.0.0\n", None),
        ("", None),
    ],
)
def test_cec_address_is_one_that_the_kernel_takes(text: str, value: int | None) -> None:
    assert physical_address(text) == value
