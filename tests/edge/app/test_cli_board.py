"""`edge board` says what board a tree is of, why, and what is wrong with a profile."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edge.app.cli import main

TREES = Path(__file__).parents[2] / "board" / "trees"
OWN = 'title = "Trolley"\n[[encoder]]\nname = "x264"\nkind = "av"\nlibrary = "libx264"\n'


@pytest.fixture
def base(tmp_path: Path) -> list[str]:
    """No configuration of this machine."""
    return ["--base", str(tmp_path / "none.toml")]


def test_board_is_shown_with_its_reason_its_reach_and_its_encoders(
    base: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["board", *base, "--root", str(TREES / "pi4")]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert shown[:3] == [
        "Raspberry Pi 4 Model B (pi4)",
        "  because:   the device tree says raspberrypi,4-model-b",
        "  capture:   tc358743 on unicam, 2 lanes of 972 Mbit/s: up to 1080p50 UYVY, 1080p30 RGB",
    ]
    assert shown[3].startswith("  encoder 1: bcm2835, h264 in hardware (v4l2m2m bcm2835-codec-encode), up to 1920x1920")
    assert shown[4] == "  encoder 2: x264, h264 in software (av libx264)"


def test_notes_are_shown(base: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["board", *base, "--root", str(TREES / "pi5-2lane")]) == 0
    shown = capsys.readouterr().out
    assert "  note:      the device tree gives the tc358743 2 lanes, this board has 4\n" in shown
    assert "up to 1080p50 UYVY" in shown


def test_trouble_is_shown_and_is_a_failure(base: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["board", *base, "--set", "board.profile=pi6", "--root", str(TREES / "pi4")]) == 1
    shown = capsys.readouterr().out
    assert shown.startswith("Raspberry Pi 4 Model B (pi4)\n")
    assert "  TROUBLE:   board.profile: no profile 'pi6'; there is " in shown


def test_json_has_all_that_is_known(base: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["board", *base, "--json", "--root", str(TREES / "orin-nx")]) == 0
    board = json.loads(capsys.readouterr().out)
    assert board["profile"]["id"] == "orin-nx"
    assert board["profile"]["encoders"][0]["gst"]["element"] == "nvv4l2h264enc"
    assert board["trouble"] == []


def test_list_stars_the_board_and_marks_ones_own(
    base: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "trolley.toml").write_text(OWN)
    argv = ["board", "list", *base, "--set", f"board.profiles_dir={tmp_path}", "--root", str(TREES / "cm5")]
    assert main(argv) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if line.startswith("*")] == ["* pi5          Raspberry Pi 5 or Compute Module 5"]
    assert "  trolley      Trolley (your own)" in lines


def test_list_says_which_own_profiles_are_left_out(
    base: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "trolley.toml").write_text("x")
    argv = ["board", "list", *base, "--set", f"board.profiles_dir={tmp_path}", "--root", str(TREES / "cm5")]
    assert main(argv) == 1
    assert f"! {tmp_path / 'trolley.toml'}: is not TOML: " in capsys.readouterr().out


def test_check_says_that_a_profile_is_good(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "trolley.toml"
    path.write_text(OWN)
    assert main(["board", "check", str(path)]) == 0
    assert capsys.readouterr().out == (
        f"{path}: the profile is good: Trolley.\n  encoder 1: x264, h264 in software (av libx264)\n"
    )


def test_check_says_every_problem(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "trolley.toml"
    path.write_text(OWN.replace("av", "gst").replace("title", "tilte"))
    assert main(["board", "check", str(path)]) == 1
    assert capsys.readouterr().err.splitlines() == [
        f"edge: {path}: title: is missing",
        f"edge: {path}: encoder.0: kind 'gst' needs a table [encoder.gst]",
        f"edge: {path}: tilte: unknown key; did you mean title?",
    ]


def test_check_of_the_configuration_says_what_is_wrong_with_the_board(
    base: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["config", "check", *base, "--set", "board.profiles_dir=/no/such"]) == 1
    assert capsys.readouterr().err == "edge: board.profiles_dir: /no/such is not a directory\n"
