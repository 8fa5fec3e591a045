"""What the configuration says of the EDID becomes bytes, or a sentence that names the option."""

from __future__ import annotations

from pathlib import Path

import pytest

from board.edid.build import build
from board.edid.modes import named
from board.edid.parse import parse
from board.edid.presets import preset
from board.v4l2.profile import CaptureProfile, profile_for, read_profiles
from edge.app.board_profile import Profiles
from edge.app.edids import edid_chooser
from edge.model.board import CaptureFact
from edge.model.errors import Invalid

PI4, DONGLE = (profile_for(read_profiles(), driver) for driver in ("unicam", "uvcvideo"))


def test_auto_gives_each_receiver_its_own_and_leaves_the_others_alone() -> None:
    chosen = edid_chooser("auto")
    assert chosen(PI4) == build(preset("2-lane"))
    assert chosen(DONGLE) == b""


def test_keep_writes_nothing() -> None:
    assert edid_chooser("keep")(PI4) == b""


def test_a_preset_is_for_every_driver() -> None:
    assert edid_chooser("4-lane")(CaptureProfile("anything")) == build(preset("4-lane"))


def test_a_lock_leaves_one_mode() -> None:
    content = edid_chooser("auto", lock="1080p50")(PI4)
    assert {(offer.timing.width, offer.timing.height) for offer in parse(content).modes if offer.timing} == {
        (1920, 1080),
        (640, 480),
    }


def test_a_file_is_taken_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "mine.bin"
    path.write_bytes(build(preset("2160p30")))
    assert edid_chooser(str(path))(PI4) == build(preset("2160p30"))


@pytest.mark.parametrize(
    ("name", "lock", "words"),
    [
        ("5-lane", "", "source.v4l2.edid: unknown preset '5-lane'"),
        ("/nowhere/mine.bin", "", "source.v4l2.edid: /nowhere/mine.bin cannot be read"),
        ("auto", "1080q50", "source.v4l2.edid_lock: "),
        ("2-lane", "1080p60", "source.v4l2.edid_lock: cannot lock to 1920x1080p60: it needs 3 lanes"),
    ],
)
def test_what_cannot_be_had_is_named_with_its_option(name: str, lock: str, words: str) -> None:
    with pytest.raises(Invalid) as refused:
        edid_chooser(name, lock=lock)
    assert str(refused.value).startswith(words)


def test_a_damaged_file_is_refused_with_what_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "bad.bin"
    raw = bytearray(build(preset("2-lane")))
    raw[20] ^= 1
    path.write_bytes(raw)
    with pytest.raises(Invalid, match=r"bad\.bin: .*checksum"):
        edid_chooser(str(path))


def offered(content: bytes) -> set[str]:
    return {named(offer.timing).name for offer in parse(content).modes if offer.timing}


def test_auto_follows_the_lanes_of_the_board() -> None:
    boards = Profiles.load(None).profiles
    two, four = (edid_chooser("auto", facts=boards[name].capture)(PI4) for name in ("cm4-2lane", "cm4-4lane"))
    assert two == build(preset("2-lane"))
    assert four == build(preset("4-lane"))


def test_auto_offers_nothing_that_slow_or_few_lanes_do_not_carry() -> None:
    slow = edid_chooser("auto", facts=[CaptureFact("unicam", lanes=2, lane_mbps=594)])(PI4)
    assert "1920x1080p50" not in offered(slow)
    assert "1920x1080p30" in offered(slow)
    three = edid_chooser("auto", facts=[CaptureFact("unicam", lanes=3)])(PI4)
    assert "1920x1080p60" in offered(three)


def test_auto_of_a_board_leaves_other_receivers_to_their_drivers() -> None:
    chosen = edid_chooser("auto", facts=[CaptureFact("rp1-cfe", lanes=4), CaptureFact("uvcvideo")])
    assert chosen(PI4) == build(preset("2-lane"))
    assert chosen(DONGLE) == b""


def test_a_board_without_lanes_may_name_its_preset() -> None:
    chosen = edid_chooser("auto", facts=[CaptureFact("adv7604", edid_preset="interlaced")])
    assert chosen(CaptureProfile("adv7604")) == build(preset("interlaced"))


def test_a_board_with_another_bridge_is_not_cut_to_what_a_tc358743_takes() -> None:
    fact = CaptureFact("other", "lt6911uxc", lanes=4, lane_mbps=2500, edid_preset="2160p30")
    assert "3840x2160p30" in offered(edid_chooser("auto", facts=[fact])(CaptureProfile("other")))


def test_a_lock_is_held_against_the_lanes_of_the_board() -> None:
    four = edid_chooser("auto", lock="1080p60", facts=[CaptureFact("unicam", lanes=4)])(PI4)
    assert offered(four) == {"1920x1080p60", "640x480p60"}
    with pytest.raises(Invalid, match=r"cannot lock to 1920x1080p60: it needs 3 lanes .* the board has 2"):
        edid_chooser("auto", lock="1080p60", facts=[CaptureFact("unicam", lanes=2)])


def test_what_is_configured_goes_before_the_board() -> None:
    facts = [CaptureFact("unicam", lanes=4)]
    assert edid_chooser("2-lane", facts=facts)(PI4) == build(preset("2-lane"))
    assert edid_chooser("keep", facts=facts)(PI4) == b""
