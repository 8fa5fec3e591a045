"""Descriptions in TOML: what they may say, and for each bad input the exact message."""

from __future__ import annotations

import pytest

from board.edid.description import Colour, RangeLimits
from board.edid.description_file import parse_description
from board.edid.receiver import CsiLink
from edge.model.errors import Invalid

WHOLE = """
name = "Theatre 3"
manufacturer = "SCP"
product = 4660
serial = 7
year = 2026
size_mm = [531, 299]
preferred = "720p50"
modes = ["vic18", "1280x1024p60"]
colours = ["rgb", "ycbcr422", "ycbcr444"]
audio = true
physical_address = "2.1.0.0"

[receiver]
max_size = [1920, 1200]
max_clock_mhz = 165
interlaced = false

[receiver.csi]
lanes = 2
lane_mbps = 972
bytes_per_pixel = 3

[range]
v_hz = [48, 62]
h_khz = [30, 66]
"""


def test_every_key_is_read() -> None:
    read = parse_description(WHOLE, where="here")
    assert (read.name, read.manufacturer, read.product, read.serial) == ("Theatre 3", "SCP", 4660, 7)
    assert (read.year, read.size_mm, read.audio, read.physical_address) == (2026, (531, 299), True, "2.1.0.0")
    assert [each.name for each in read.offered] == ["1280x720p50", "720x576p50", "1280x1024p60", "640x480p60"]
    assert read.modes[0].vic == 18
    assert read.colours == tuple(Colour)
    assert read.receiver.csi == CsiLink(2, 972, 3)
    assert (read.receiver.max_width, read.receiver.max_clock_khz, read.receiver.interlaced) == (1920, 165_000, False)
    assert read.limits == RangeLimits(48, 62, 30, 66)


def test_what_is_left_out_has_its_default() -> None:
    lines = [line for line in WHOLE.splitlines() if line.split(" ")[0] not in ("product", "serial", "audio")]
    text = "\n".join(lines).partition("[receiver.csi]")[0].replace('physical_address = "2.1.0.0"', "")
    read = parse_description(text, where="here")
    assert (read.product, read.serial, read.audio, read.physical_address) == (None, None, False, "1.0.0.0")
    assert (read.receiver.csi, read.limits) == (None, None)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('name = "Theatre 3"', "", "here: name: missing"),
        ('name = "Theatre 3"', "name = 3", "here: name: expected text, got 3"),
        ("year = 2026", "year = 2026.0", "here: year: expected a whole number, got 2026.0"),
        ("year = 2026", "year = true", "here: year: expected a whole number, got True"),
        ("year = 2026", "year = -1", "here: year: expected a whole number above 0, got -1"),
        ("[531, 299]", "[531]", "here: size_mm: expected 2 whole numbers, got 1"),
        ("[531, 299]", '[531, "a"]', "here: size_mm: expected a whole number above 0, got 'a'"),
        ('"720p50"', '"720p51"', "here: unknown mode '720p51'; did you mean 1280x720p50"),
        ('["vic18", "1280x1024p60"]', "[18]", "here: modes: expected text, got 18"),
        ('["vic18", "1280x1024p60"]', '"vic18"', "here: modes: expected a list of texts, got 'vic18'"),
        ('"ycbcr422"', '"ycbcr420"', "here: colours: 'ycbcr420' is none of rgb, ycbcr422, ycbcr444"),
        ("audio = true", 'audio = "yes"', "here: audio: expected true or false, got 'yes'"),
        ("audio = true", "sound = true", "here: sound: unknown key"),
        ("lanes = 2\n", "", "here: receiver.csi.lanes: missing"),
        ("lanes = 2\n", "lanes = 2\nrgb = 1\n", "here: receiver.csi.rgb: unknown key"),
        ("[receiver.csi]", "[csi]", "here: csi: unknown key"),
        ("v_hz = [48, 62]", "v_hz = [56, 62]", "here: 1280x720p50: is outside the range limits"),
        ("lane_mbps = 972", "lane_mbps = 200", "here: 1280x720p50: needs 6 lanes of 200 Mb/s at 3 bytes a pixel"),
        ("[range]", "[range", "here: is not TOML: Expected"),
    ],
)
def test_bad_description_is_named_with_its_key(old: str, new: str, message: str) -> None:
    assert old in WHOLE
    with pytest.raises(Invalid) as caught:
        parse_description(WHOLE.replace(old, new), where="here")
    assert caught.value.code == "edid_invalid"
    assert str(caught.value).startswith(message)
