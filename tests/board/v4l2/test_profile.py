"""Profiles of drivers: the shipped file, and what is refused."""

from __future__ import annotations

import pytest

from board.v4l2.profile import CaptureProfile, Detect, parse_profiles, profile_for, read_profiles
from edge.model.errors import Invalid
from edge.model.video import Colorimetry, Range

KEYS = "bridge, colorimetry, detect, edid, edid_preset, hint, name, range, rebind"


def test_the_shipped_file_reads_and_knows_the_drivers_that_need_it() -> None:
    profiles = read_profiles()
    assert {"unicam", "rp1-cfe", "uvcvideo", "sc0710", "ProCapture", "vivid"} <= profiles.keys()
    assert all(one.name for one in profiles.values())
    assert profiles["uvcvideo"].detect is Detect.NONE
    assert profiles["uvcvideo"].rebind
    assert not profiles["uvcvideo"].edid


def test_an_unknown_driver_is_taken_at_its_word() -> None:
    assert profile_for({}, "brand-new") == CaptureProfile("brand-new", detect=Detect.TIMINGS)


def test_values_become_what_they_mean() -> None:
    text = '[x]\ndetect = "status"\ncolorimetry = "bt601"\nrange = "full"\nedid = true\nname = "X"\n'
    wanted = CaptureProfile("x", "X", Detect.STATUS, edid=True, colorimetry=Colorimetry.BT601, range=Range.FULL)
    assert parse_profiles(text, where="a.toml") == {"x": wanted}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[x\n", "a.toml: Expected ']' at the end of a table declaration (at line 1, column 3)"),
        ('x = "y"\n', "a.toml: x: expected a table"),
        ("[x]\nspeed = 1\n", f"a.toml: x.speed: unknown key; there is {KEYS}"),
        ('[x]\ndriver = "y"\n', f"a.toml: x.driver: unknown key; there is {KEYS}"),
        ("[x]\nedid = 1\n", "a.toml: x.edid: expected bool, got 1"),
        ("[x]\nname = true\n", "a.toml: x.name: expected str, got True"),
        ("[x]\ndetect = 3\n", "a.toml: x.detect: expected str, got 3"),
        ('[x]\ndetect = "guess"\n', "a.toml: x.detect: 'guess' is not a valid Detect"),
        ('[x]\nrange = "wide"\n', "a.toml: x.range: 'wide' is not a valid Range"),
    ],
)
def test_bad_profiles_are_refused_by_file_driver_and_key(text: str, message: str) -> None:
    with pytest.raises(Invalid) as refused:
        parse_profiles(text, where="a.toml")
    assert str(refused.value) == message
