"""Board profiles as files: a good one becomes values, each bad one gets its exact message."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.config.board import board_of, read_board
from edge.model.board import (
    BoardMatch,
    BoardProfile,
    CaptureFact,
    EncoderFact,
    EncoderKind,
    GpioFact,
    GstElement,
    GstProperty,
    HealthFact,
    Throttle,
)
from edge.model.errors import Invalid
from edge.model.video import Codec, Pixel

GOOD = """\
title = "Box 7"
[match]
compatible = ["maker,box-7"]
[[capture]]
driver = "unicam"
[[encoder]]
name = "x264"
kind = "av"
library = "libx264"
"""
GST = GOOD + '[[encoder]]\nname = "va"\nkind = "gst"\n[encoder.gst]\nelement = "vah264enc"\n'
FULL = """\
title = "Box 7"
ptp_phc = true
[match]
compatible = ["maker,box-7*"]
bridge_lanes = 4
[[capture]]
driver = "unicam"
bridge = "tc358743"
lanes = 4
lane_mbps = 594
contiguous = true
[[encoder]]
name = "nv"
kind = "gst"
codec = "h265"
hardware = true
pixels_per_s = 62208000
latency_ms = 5
[encoder.gst]
element = "nvv4l2h265enc"
before = "nvvidconv"
gop = [{ name = "idrinterval" }, { name = "iframeinterval" }]
bitrate = { name = "bitrate", scale = 0.001, live = true }
[encoder.gst.fixed]
insert-vui = true
preset-level = 1
speed = 1.5
mode = "cbr"
[[encoder]]
name = "soft"
kind = "av"
library = "libx264"
[health]
throttle = "ina3221"
thermal_zones = ["cpu"]
power_rails = ["VDD_IN"]
watchdog_max_s = 255
[gpio]
chip = "pinctrl"
lines = ["GPIO2"]
"""


def written(folder: Path, text: str, name: str = "box-7.toml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_every_key_becomes_its_value(tmp_path: Path) -> None:
    assert read_board(written(tmp_path, FULL)) == BoardProfile(
        id="box-7",
        title="Box 7",
        match=BoardMatch(("maker,box-7*",), bridge_lanes=4),
        capture=(CaptureFact("unicam", "tc358743", 4, 594, contiguous=True),),
        encoders=(
            EncoderFact(
                "nv",
                EncoderKind.GST,
                Codec.H265,
                hardware=True,
                gst=GstElement(
                    "nvv4l2h265enc",
                    before="nvvidconv",
                    pixel=Pixel.NV12,
                    fixed={"insert-vui": True, "preset-level": 1, "speed": 1.5, "mode": "cbr"},
                    bitrate=GstProperty("bitrate", 0.001, live=True),
                    gop=(GstProperty("idrinterval"), GstProperty("iframeinterval")),
                ),
                pixels_per_s=62_208_000,
                latency_ms=5.0,
            ),
            EncoderFact("soft", EncoderKind.AV, library="libx264"),
        ),
        health=HealthFact(Throttle.INA3221, ("cpu",), ("VDD_IN",), 255),
        gpio=GpioFact("pinctrl", ("GPIO2",)),
        ptp_phc=True,
        own=True,
    )


def test_types_of_fixed_properties_are_kept(tmp_path: Path) -> None:
    gst = read_board(written(tmp_path, FULL)).encoders[0].gst
    assert gst is not None
    assert [type(value) for value in gst.fixed.values()] == [bool, int, float, str]


def test_what_is_not_said_is_not_known(tmp_path: Path) -> None:
    profile = read_board(written(tmp_path, GOOD))
    assert profile.ptp_phc is None
    assert profile.health == HealthFact()
    assert profile.capture == (CaptureFact("unicam"),)
    assert profile.encoders[0].pixels_per_s is None


def test_a_shipped_one_is_not_ones_own() -> None:
    assert not board_of(GOOD.encode(), id="box", where="box.toml").own


X264 = '[[encoder]]\nname = "x264"\nkind = "av"\nlibrary = "libx264"\n'
BAD = [
    (GOOD.replace('title = "Box 7"\n', ""), "title: is missing"),
    ('title = "Box 7"\n', "encoder: is missing"),
    (GOOD.replace("title", "titel"), "titel: unknown key; did you mean title?"),
    (GOOD + "[helth]\n", "helth: unknown key; did you mean health?"),
    (GOOD + "librarie = 1\n", "encoder.0.librarie: unknown key; did you mean library?"),
    (GST + "befor = 1\n", "encoder.1.gst.befor: unknown key; did you mean before?"),
    (GOOD.replace('["maker,box-7"]', '"maker,box-7"'), 'match.compatible: must be an array (got "maker,box-7")'),
    (
        GOOD.replace('compatible = ["maker,box-7"]\n', ""),
        "match: names nothing by which the board is known; leave [match] out for one chosen by name only",
    ),
    (
        GOOD.replace('compatible = ["maker,box-7"]', 'pci_vendor = "8086"'),
        'match.pci_vendor: must match ^(0x[0-9a-f]{4})?$ (got "8086")',
    ),
    (GOOD.replace("[[encoder]]", "lanes = 3\n[[encoder]]"), "capture.0.lanes: must be 1, 2 or 4 (got 3)"),
    (GOOD.replace("[[encoder]]", "lane_mbps = 972\n[[encoder]]"), "capture.0: lane_mbps says nothing without lanes"),
    (
        GOOD.replace("[[encoder]]", "lanes = 2\nlane_mbps = 100\n[[encoder]]"),
        "capture.0.lane_mbps: must be 300 or more (got 100)",
    ),
    (
        GOOD.replace("[[encoder]]", '[[capture]]\ndriver = "unicam"\n[[encoder]]'),
        "capture: two receivers have the driver 'unicam'",
    ),
    (
        GOOD.replace('"av"', '"nvenc"'),
        "encoder.0.kind: must be 'v4l2m2m', 'gst', 'av' or 'sim' (got \"nvenc\")",
    ),
    (GOOD + 'codec = "av1"\n', "encoder.0.codec: must be 'h264' or 'h265' (got \"av1\")"),
    (
        GOOD.replace('library = "libx264"\n', ""),
        "encoder.0: kind 'av' needs library, the encoder's name in FFmpeg",
    ),
    (GOOD + '[[encoder]]\nname = "va"\nkind = "gst"\n', "encoder.1: kind 'gst' needs a table [encoder.gst]"),
    (GOOD + 'card = "x"\n', "encoder.0: card says nothing for kind 'av'"),
    (
        GOOD + '[[encoder]]\nname = "m"\nkind = "v4l2m2m"\nlibrary = "x"\n[encoder.gst]\nelement = "x"\n',
        "encoder.1: library, gst says nothing for kind 'v4l2m2m'",
    ),
    (GOOD + 'name = "x"\n', "is not TOML"),
    (GOOD + X264, "encoder: two encoders have the name 'x264'"),
    (
        GOOD + "hardware = true\n",
        "encoder: has no H.264 encoder in software to fall back to, such as libx264 of kind 'av'",
    ),
    (
        GOOD + 'codec = "h265"\n',
        "encoder: has no H.264 encoder in software to fall back to, such as libx264 of kind 'av'",
    ),
    (GOOD.replace('"x264"', '"X 264"'), 'encoder.0.name: must match ^[a-z0-9][a-z0-9-]{0,39}$ (got "X 264")'),
    (GOOD + "pixels_per_s = 0\n", "encoder.0.pixels_per_s: must be 1 or more (got 0)"),
    (GOOD + "latency_ms = nan\n", "encoder.0.latency_ms: must be a finite number"),
    (GST + "[encoder.gst.fixed]\nx = [1]\n", "encoder.1.gst.fixed: x: must be text, a number, true or false"),
    (
        GST + 'buffer = { name = "a" }\nbuffer_ms = { name = "b" }\n',
        "encoder.1.gst: has both buffer and buffer_ms; an element takes the one or the other",
    ),
    (GST + "bitrate = { scale = 2 }\n", "encoder.1.gst.bitrate.name: is missing"),
    (GST + 'pixel = "i420"\n', "encoder.1.gst.pixel: must be 'yuv420p', "),
    (GOOD + '[health]\nthrottle = "cpu"\n', "health.throttle: must be '', 'rpi-firmware' or 'ina3221' (got \"cpu\")"),
    (GOOD + "[health]\nwatchdog_max_s = 0\n", "health.watchdog_max_s: must be 1 or more (got 0)"),
    (GOOD + "[gpio]\nlines = [17]\n", "gpio.lines.0: must be text (got 17)"),
]


@pytest.mark.parametrize(("text", "words"), BAD, ids=[words[:50] for _, words in BAD])
def test_bad_file_is_refused_naming_file_key_and_value(tmp_path: Path, text: str, words: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(Invalid) as caught:
        read_board(path)
    assert caught.value.code == "config"
    assert any(line.startswith(f"{path}: {words}") for line in str(caught.value).splitlines()), str(caught.value)


@pytest.mark.parametrize("name", ["auto.toml", "Box 7.toml", "-.toml"])
def test_name_of_the_file_must_be_an_id(tmp_path: Path, name: str) -> None:
    path = written(tmp_path, GOOD, name)
    with pytest.raises(Invalid) as caught:
        read_board(path)
    wanted = "a board's file name must match [a-z0-9][a-z0-9-]{0,39}.toml and not be auto.toml"
    assert str(caught.value) == f"{path}: {wanted}"


def test_every_problem_is_said_at_once(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD.replace('title = "Box 7"', "x = 1").replace('"av"', '"none"'))
    with pytest.raises(Invalid) as caught:
        read_board(path)
    assert len(str(caught.value).splitlines()) == 3


def test_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match=r"none\.toml: cannot be read: No such file"):
        read_board(tmp_path / "none.toml")
    (tmp_path / "bytes.toml").write_bytes(b"\xff")
    with pytest.raises(Invalid, match=r"bytes\.toml: is not UTF-8 text \(byte 0\)"):
        read_board(tmp_path / "bytes.toml")
