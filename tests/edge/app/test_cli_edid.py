"""`edge edid`: what it prints, writes and refuses."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from board.edid.build import build
from board.edid.framing import checksum
from board.edid.hex_text import import_edid, to_hex
from board.edid.limits import lock
from board.edid.modes import mode
from board.edid.parse import parse
from board.edid.presets import preset, preset_names
from edge.app.cli import main

GOOD = build(preset("4-lane"))


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "good.hex"
    path.write_text(to_hex(GOOD))
    return path


def names(path: Path) -> list[str]:
    return [offer.name for offer in parse(import_edid(path.read_bytes())).modes]


def test_presets_are_listed_with_their_purpose(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["edid", "presets"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(preset_names())
    assert lines[0] == (
        "2-lane       TC358743 on two CSI-2 lanes (Pi 3, 4, Zero, 5 with a two-lane board): up to 1080p50"
    )


def test_file_and_preset_are_shown_alike(good: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["edid", "show", str(good)]) == 0
    of_file = capsys.readouterr().out
    assert main(["edid", "show", "--preset", "4-lane"]) == 0
    assert capsys.readouterr().out == of_file
    assert "Preferred       1920x1080p60, 60.000 Hz, 148.500 MHz" in of_file


@pytest.mark.parametrize("content", [GOOD, to_hex(GOOD).encode()])
def test_standard_input_is_read(
    content: bytes, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    assert main(["edid", "check", "-"]) == 0
    assert capsys.readouterr().out == "-: the EDID is good: 15 modes in 256 bytes.\n"


def test_built_preset_goes_to_standard_output_as_text(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert main(["edid", "build", "--preset", "4-lane"]) == 0
    assert capfdbinary.readouterr() == (to_hex(GOOD).encode(), b"")
    assert main(["edid", "build", "--preset", "4-lane", "--format", "raw"]) == 0
    assert capfdbinary.readouterr().out == GOOD


def test_terminal_gets_no_binary(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert main(["edid", "build", "--preset", "4-lane", "--format", "raw"]) == 1
    assert capsys.readouterr() == ("", "edge: a terminal cannot show binary: give -o FILE or --format hex\n")


def test_dropped_modes_are_told_beside_the_edid(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "two.bin"
    assert main(["edid", "build", "--preset", "4-lane", "--lanes", "2", "-o", str(out), "--format", "raw"]) == 0
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.splitlines() == [
        "edge: dropped 1920x1080p60 needs 3 lanes of 972 Mb/s at 2 bytes a pixel, the board has 2",
        "edge: dropped 1920x1200p60rb needs 3 lanes of 972 Mb/s at 2 bytes a pixel, the board has 2",
    ]
    assert out.read_bytes()[:8] == GOOD[:8]
    assert "1920x1080p60" not in names(out)


def test_locked_edid_is_the_one_of_the_package(tmp_path: Path) -> None:
    out = tmp_path / "locked.hex"
    assert main(["edid", "build", "--preset", "2-lane", "--lock", "1080p50rb", "-o", str(out)]) == 0
    assert out.read_text() == to_hex(build(lock(preset("2-lane"), mode("1080p50rb"))))
    assert names(out) == ["1920x1080p50rb", "640x480p60"]


def test_board_of_the_options_decides_what_can_be_locked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "locked.hex"
    argv = ["edid", "build", "--preset", "2-lane", "--lock", "1080p60", "-o", str(out)]
    assert main(argv) == 1
    assert capsys.readouterr().err == (
        "edge: cannot lock to 1920x1080p60: it needs 3 lanes of 972 Mb/s at 2 bytes a pixel, the board has 2\n"
    )
    assert not out.exists()
    assert main([*argv, "--lanes", "4"]) == 0
    assert main([*argv, "--lanes", "4", "--lane-mbps", "594", "--bytes-per-pixel", "3"]) == 1
    assert "needs 6 lanes of 594 Mb/s at 3 bytes" in capsys.readouterr().err
    interlaced = ["edid", "build", "--preset", "interlaced", "--lock", "1080i50", "-o", str(out)]
    assert main(interlaced) == 0
    assert main([*interlaced, "--no-interlaced"]) == 1
    assert main([*interlaced, "--max-clock-mhz", "60"]) == 1
    assert "has a pixel clock of 74.25 MHz, the board takes 60" in capsys.readouterr().err


def test_lanes_are_needed_for_a_board_that_had_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    argv = ["edid", "build", "--preset", "2160p30", "-o", str(tmp_path / "x")]
    assert main([*argv, "--lane-mbps", "972"]) == 1
    assert capsys.readouterr().err == "edge: --lanes is needed too: the preset is of a board without CSI-2\n"
    assert main([*argv, "--lane-mbps", "972", "--lanes", "2"]) == 0


def test_audio_is_added_on_demand(tmp_path: Path) -> None:
    out = tmp_path / "loud.hex"
    assert main(["edid", "build", "--preset", "2-lane", "--audio", "-o", str(out)]) == 0
    assert parse(import_edid(out.read_bytes())).audio


def test_own_description_is_built(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (Path(__file__).parents[3] / "board/edid/presets/2-lane.toml").read_text()
    own, out = tmp_path / "own.toml", tmp_path / "own.hex"
    own.write_text(text.replace("Scopecast 2L", "Theatre 3"))
    assert main(["edid", "build", "--description", str(own), "-o", str(out)]) == 0
    assert parse(import_edid(out.read_bytes())).name == "Theatre 3"
    own.write_text(text.replace("Scopecast 2L", "Theatre number 3"))
    assert main(["edid", "build", "--description", str(own), "-o", str(out)]) == 1
    message = f"edge: {own}: name: must be 1 to 13 characters of ASCII, got 'Theatre number 3'\n"
    assert capsys.readouterr().err == message
    own.write_bytes(b"\xff")
    assert main(["edid", "build", "--description", str(own)]) == 1
    assert capsys.readouterr().err == f"edge: {own}: is not UTF-8 text\n"


def test_check_tells_every_problem_on_a_line_with_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = tmp_path / "bad.bin"
    spoilt = GOOD[:100] + bytes((GOOD[100] ^ 1,)) + GOOD[101:128]
    bad.write_bytes(spoilt)
    assert main(["edid", "check", str(bad)]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    right, got = checksum(spoilt), GOOD[127]
    assert err.splitlines() == [
        f"edge: {bad}: block 0: wrong checksum: expected 0x{right:02x}, got 0x{got:02x}",
        f"edge: {bad}: block 0 announces 1 extension block(s), 0 follow(s)",
    ]
    assert main(["edid", "show", str(bad)]) == 1
    assert capsys.readouterr().err == err


def test_conversion_goes_both_ways_and_mends_on_demand(
    good: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    raw, text = tmp_path / "x.bin", tmp_path / "x.hex"
    assert main(["edid", "convert", str(good), "--format", "raw", "-o", str(raw)]) == 0
    assert raw.read_bytes() == GOOD
    raw.write_bytes(GOOD[:-1] + b"\0")
    assert main(["edid", "convert", str(raw), "-o", str(text)]) == 1
    assert f"edge: {raw}: block 1: wrong checksum" in capsys.readouterr().err
    assert main(["edid", "convert", str(raw), "--mend", "-o", str(text)]) == 0
    assert text.read_text() == good.read_text()


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["show", "/nowhere/x"], "edge: /nowhere/x: cannot be read: No such file or directory\n"),
        (["show", "--preset", "3-lane"], "edge: unknown preset '3-lane'; there are 2-lane, "),
        (["build", "--preset", "2-lane", "--lock", "1080p51"], "edge: unknown mode '1080p51'; did you mean "),
        (["build", "--preset", "2-lane", "--lanes", "1", "--lane-mbps", "9"], "edge: the board carries not even the "),
        (["build", "--preset", "2-lane", "-o", "/nowhere/x"], "edge: [Errno 2] No such file or directory: "),
    ],
)
def test_refusal_is_one_line(argv: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["edid", *argv]) == 1
    err = capsys.readouterr().err
    assert err.startswith(words)
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    "argv",
    [
        [],
        ["show", "x", "--preset", "2-lane"],
        ["build"],
        ["build", "--preset", "2-lane", "--lanes", "5"],
        ["build", "--preset", "2-lane", "--lane-mbps", "0"],
        ["build", "--preset", "2-lane", "--format", "toml"],
        ["check"],
    ],
)
def test_wrong_usage_is_two(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["edid", *argv])
    assert caught.value.code == 2
    assert "usage: edge edid" in capsys.readouterr().err
