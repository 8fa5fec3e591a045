"""The shipped boards: each reads, can fall back to software, and says what the facts say."""

from __future__ import annotations

import pytest

from edge.app.board_profile import Profiles
from edge.model.board import BoardProfile, EncoderKind
from edge.model.video import Codec

PROFILES = Profiles.load(None).profiles
ALL = pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)


def test_shipped_boards_are_those_of_the_documentation() -> None:
    assert list(PROFILES) == [
        "agx-orin",
        "cm4-2lane",
        "cm4-4lane",
        "generic",
        "orin-nano",
        "orin-nx",
        "pi4",
        "pi5",
        "sim",
        "x86-amd",
        "x86-intel",
        "x86-nvidia",
        "xavier-nx",
        "zero2w",
    ]


@ALL
def test_board_ends_with_the_software_encoders(profile: BoardProfile) -> None:
    assert [(one.name, one.library, one.codec) for one in profile.encoders[-2:]] == [
        ("x264", "libx264", Codec.H264),
        ("x265", "libx265", Codec.H265),
    ]
    assert not any(one.hardware for one in profile.encoders[-2:])


@ALL
def test_hardware_comes_first(profile: BoardProfile) -> None:
    before = [one for one in profile.encoders[:-2] if one.kind is not EncoderKind.SIM]
    assert all(one.hardware for one in before)


@pytest.mark.parametrize(
    ("id", "names"),
    [
        ("pi4", ["bcm2835"]),
        ("pi5", []),
        ("orin-nano", []),
        ("orin-nx", ["jetson-h264", "jetson-h265"]),
        ("x86-intel", ["qsv-h264", "va-h264"]),
        ("x86-amd", ["va-h264"]),
        ("x86-nvidia", ["nvenc-h264", "nvenc-h265"]),
        ("generic", ["v4l2-h264"]),
        ("sim", ["sim-x264"]),
    ],
)
def test_board_has_its_encoders_in_order(id: str, names: list[str]) -> None:
    assert [one.name for one in PROFILES[id].encoders[:-2]] == names


def test_generic_takes_any_node_that_encodes() -> None:
    fact = PROFILES["generic"].encoders[0]
    assert (fact.kind, fact.driver, fact.card) == (EncoderKind.V4L2M2M, "", "")


def test_no_pi_and_no_orin_nano_claims_what_it_has_not() -> None:
    for name in ("pi4", "cm4-2lane", "cm4-4lane", "zero2w", "pi5", "orin-nano"):
        assert not any(one.hardware and one.codec is Codec.H265 for one in PROFILES[name].encoders)


@pytest.mark.parametrize(("id", "lanes"), [("pi4", 2), ("cm4-2lane", 2), ("cm4-4lane", 4), ("pi5", 4), ("zero2w", 2)])
def test_board_has_its_lanes(id: str, lanes: int) -> None:
    assert [(fact.bridge, fact.lanes, fact.lane_mbps) for fact in PROFILES[id].capture] == [("tc358743", lanes, 972)]


def test_jetson_is_given_pictures_in_its_own_memory() -> None:
    for fact in PROFILES["orin-nx"].encoders[:2]:
        assert fact.gst is not None
        assert "memory:NVMM" in fact.gst.before
        assert [one.name for one in fact.gst.gop] == ["idrinterval", "iframeinterval"]
        assert fact.gst.fixed["insert-sps-pps"] is True
