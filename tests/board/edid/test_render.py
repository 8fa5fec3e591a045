"""What a technician is shown."""

from __future__ import annotations

from dataclasses import replace

from board.edid.build import build
from board.edid.limits import lock
from board.edid.modes import mode
from board.edid.parse import parse
from board.edid.presets import preset
from board.edid.render import describe


def test_locked_edid_is_shown_whole() -> None:
    known = replace(preset("2-lane"), product=0x0102, serial=0x0A0B0C0D, audio=True)
    assert list(describe(parse(build(lock(known, mode("1080p50")))))) == [
        "Name            Scopecast 2L",
        "Display id      SCP 0102, serial 0a0b0c0d",
        "Year            2026",
        "Size            71 x 40 cm",
        "Preferred       1920x1080p50, 50.000 Hz, 148.500 MHz",
        "Audio           yes",
        "Colour          rgb, ycbcr422, ycbcr444",
        "HDMI            CEC address 1.0.0.0, at most 165 MHz",
        "Range           49 to 60 Hz, 31 to 57 kHz a line",
        "Checksums       right in all 2 blocks (EDID 1.3)",
        "Blocks          CTA-861 extension, Video, Audio, Speaker allocation, Vendor HDMI 1.4, Video capability",
        "",
        "Mode                       Hz       MHz  Told by",
        "1920x1080p50           50.000   148.500  detailed, VIC 31",
        "640x480p60             59.940    25.175  established, VIC 1",
    ]


def test_what_is_not_told_is_said_to_be_unknown() -> None:
    told = replace(
        parse(build(preset("2-lane"))),
        name="",
        size_cm=(0, 0),
        preferred=None,
        physical_address=None,
        limits=None,
        blocks=(),
        serial_text="A17",
        modes=(),
    )
    lines = list(describe(told))
    assert lines[0] == "Name            (none)"
    assert lines[1].endswith(" (A17)")
    assert "Size            unknown" in lines
    assert "Preferred       (none)" in lines
    assert "HDMI            no: a source will treat this as DVI" in lines
    assert "Blocks          only the base block" in lines
    assert not any(line.startswith("Range") for line in lines)


def test_hdmi_two_is_said() -> None:
    assert "HDMI            CEC address 1.0.0.0, at most 600 MHz, HDMI 2.0" in describe(parse(build(preset("2160p60"))))
