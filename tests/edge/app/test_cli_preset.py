"""`edge preset` and `edge mask` against a box that only answers."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.app.cli import main
from tests.edge.app.conftest import AnsweringBox

COMMANDS, STATUS = "POST /api/v1/commands", "GET /api/v1/status"
DONE = (200, {"id": "1", "st": "done", "code": "ok", "detail": "", "payload": {}})


def test_list_stars_the_one_that_holds(box: AnsweringBox, capsys: pytest.CaptureFixture[str]) -> None:
    box.answers[STATUS] = (200, {"preset": {"name": "endoscopy", "available": ["endoscopy", "ultrasound"]}})
    assert main(["preset", "list", "--url", box.url]) == 0
    assert capsys.readouterr().out == "  none\n* endoscopy\n  ultrasound\n"


def test_set_is_a_command(box: AnsweringBox) -> None:
    box.answers[COMMANDS] = DONE
    assert main(["preset", "set", "endoscopy", "--url", box.url]) == 0
    assert [body for _, body in box.asked] == [{"op": "preset.set", "args": {"modality": "endoscopy"}}]


def test_refusal_of_the_box_is_said(box: AnsweringBox, capsys: pytest.CaptureFixture[str]) -> None:
    box.answers[COMMANDS] = (404, {"code": "unknown_preset", "detail": "no preset 'xray'; there is endoscopy"})
    assert main(["preset", "set", "xray", "--url", box.url]) == 1
    assert capsys.readouterr().err == "edge: the box says: no preset 'xray'; there is endoscopy\n"


def test_show_prints_the_presets_settings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["preset", "show", "ultrasound", "--base", str(tmp_path / "none.toml")]) == 0
    shown = capsys.readouterr().out
    assert 'title = "Ultrasound"' in shown
    assert "freeze_after_ms = 5000" in shown
    assert "[bitrate]\nfloor_bps = 2000000" in shown


def test_mask_is_set_and_cleared_by_command(box: AnsweringBox) -> None:
    box.answers[COMMANDS] = DONE
    assert main(["mask", "set", "0,0,400,60", "10,1000,5,5", "--of", "1920x1080", "--url", box.url]) == 0
    assert main(["mask", "set", "0,0,400,60", "--url", box.url]) == 0
    assert main(["mask", "clear", "--url", box.url]) == 0
    assert [body["args"] for _, body in box.asked] == [
        {"rects": [[0, 0, 400, 60], [10, 1000, 5, 5]], "of": [1920, 1080]},
        {"rects": [[0, 0, 400, 60]]},
        {"rects": []},
    ]


@pytest.mark.parametrize("words", [["0,0,400"], ["a,b,c,d"], ["0,0,4,4", "--of", "1920"], ["0,0,4,4", "--of=-1x5"]])
def test_area_that_is_none_is_refused_before_it_is_sent(
    words: list[str], box: AnsweringBox, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["mask", "set", *words, "--url", box.url]) == 1
    assert "whole numbers" in capsys.readouterr().err
    assert box.asked == []


@pytest.mark.parametrize(
    ("mask", "out"),
    [
        ({"areas": 1, "rects": [[0, 0, 400, 60]], "withheld": ""}, "0,0,400,60\n"),
        ({"areas": 0, "rects": [], "withheld": ""}, "nothing is masked\n"),
        ({"areas": 1, "rects": [], "withheld": "made for 4:3"}, "the picture is withheld: made for 4:3\n"),
    ],
)
def test_show_says_what_is_masked(
    mask: dict[str, object], out: str, box: AnsweringBox, capsys: pytest.CaptureFixture[str]
) -> None:
    box.answers[STATUS] = (200, {"mask": mask})
    assert main(["mask", "show", "--url", box.url]) == 0
    assert capsys.readouterr().out == out


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("modality.preset=xray", "modality.preset: no preset 'xray'; there is endoscopy"),
        ("modality.presets_dir=/no/such", "modality.presets_dir: /no/such is not a directory"),
        ("mask.rects=[[1900, 0, 40, 40]]", "rects: [1900, 0, 40, 40] does not lie inside the picture of 1920x1080"),
        ("mask.rects=[[0, 0, 40]]", "mask.rects.0.3: is missing"),
    ],
)
def test_configuration_of_presets_and_masks_is_checked(
    option: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["config", "check", "--base", str(tmp_path / "none.toml"), "--set", option]) == 1
    assert words in capsys.readouterr().err
