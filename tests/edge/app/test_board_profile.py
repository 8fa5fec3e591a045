"""The board is found or named; what is wrong with one's own profiles is said and stops nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.app.board_profile import Profiles, find_board, read_own
from edge.config.model import BoardConfig
from edge.model.errors import Invalid

TREES = Path(__file__).parents[2] / "board" / "trees"
OWN = """\
title = "Our trolley"
[match]
compatible = ["raspberrypi,4-model-b"]
[[encoder]]
name = "x264"
kind = "av"
library = "libx264"
"""


def own(folder: Path, text: str = OWN, name: str = "trolley.toml") -> Path:
    (folder / name).write_text(text)
    return folder


def test_board_is_found_by_what_the_machine_says() -> None:
    board = find_board(BoardConfig(), root=TREES / "pi4")
    assert (board.profile.id, board.why, board.notes, board.trouble) == (
        "pi4",
        "the device tree says raspberrypi,4-model-b",
        (),
        (),
    )


def test_named_profile_overrules_with_a_note_of_what_was_seen() -> None:
    board = find_board(BoardConfig(profile="cm4-4lane"), root=TREES / "cm4")
    assert (board.profile.id, board.why) == ("cm4-4lane", "board.profile names it")
    assert board.notes == ("the machine looks like cm4-2lane: the device tree says raspberrypi,4-compute-module",)
    assert board.profile.capture[0].lanes == 4


def test_named_profile_is_cut_to_the_live_tree_too() -> None:
    assert find_board(BoardConfig(profile="cm4-4lane"), root=TREES / "cm4-2lane").profile.capture[0].lanes == 2


def test_simulated_board_is_named_without_a_note_where_nothing_is_known(tmp_path: Path) -> None:
    board = find_board(BoardConfig(profile="sim"), root=tmp_path)
    assert (board.profile.id, board.notes) == ("sim", ())


def test_unknown_name_is_trouble_and_the_board_is_found_instead() -> None:
    board = find_board(BoardConfig(profile="pi6"), root=TREES / "pi5")
    assert board.profile.id == "pi5"
    assert [line[:58] for line in board.trouble] == ["board.profile: no profile 'pi6'; there is agx-orin, cm4-2l"]


def test_own_profile_goes_before_a_shipped_one_that_fits_as_well(tmp_path: Path) -> None:
    board = find_board(BoardConfig(profiles_dir=own(tmp_path)), root=TREES / "pi4")
    assert (board.profile.id, board.profile.own) == ("trolley", True)


def test_own_profile_takes_the_place_of_a_shipped_one_of_its_name(tmp_path: Path) -> None:
    known = Profiles.load(own(tmp_path, name="pi4.toml")).profiles
    assert known["pi4"].title == "Our trolley"
    assert len(known) == len(Profiles.load(None).profiles)


def test_broken_own_profile_is_trouble_and_no_more(tmp_path: Path) -> None:
    own(own(tmp_path), OWN.replace("title", "titel"), "broken.toml")
    board = find_board(BoardConfig(profiles_dir=own(tmp_path)), root=TREES / "pi4")
    assert board.profile.id == "trolley"
    assert board.trouble == (
        f"{tmp_path / 'broken.toml'}: title: is missing",
        f"{tmp_path / 'broken.toml'}: titel: unknown key; did you mean title?",
    )


def test_broken_own_profile_leaves_the_shipped_one_of_its_name(tmp_path: Path) -> None:
    known = Profiles.load(own(tmp_path, "x", "pi4.toml"))
    assert known.profiles["pi4"].title == "Raspberry Pi 4 Model B"
    assert len(known.trouble) == 1


def test_directory_that_is_not_there_is_trouble(tmp_path: Path) -> None:
    board = find_board(BoardConfig(profiles_dir=tmp_path / "none"), root=TREES / "pi4")
    assert board.trouble == (f"board.profiles_dir: {tmp_path / 'none'} is not a directory",)
    assert board.profile.id == "pi4"


def test_unknown_edid_preset_is_refused_naming_those_there_are(tmp_path: Path) -> None:
    text = OWN.replace("[[encoder]]", '[[capture]]\ndriver = "adv7604"\nedid_preset = "mine"\n[[encoder]]')
    path = own(tmp_path, text) / "trolley.toml"
    with pytest.raises(Invalid) as caught:
        read_own(path)
    wanted = "capture.0.edid_preset: there is 2-lane, 2160p30, 2160p60, 4-lane, interlaced (got 'mine')"
    assert str(caught.value) == f"{path}: {wanted}"
