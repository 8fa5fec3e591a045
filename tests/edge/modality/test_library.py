"""Presets as files: those shipped are sound, and each bad one of a technician gets its exact message."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.modality.library import Library
from edge.model.errors import Invalid, NotFound
from edge.model.picture import Area
from edge.model.rect import Rect

GOOD = """\
title = "Theatre 2"
priority = "detail"
modes = ["1920x1080@60"]
[bitrate]
floor_bps = 1_000_000
start_bps = 2_000_000
ceiling_bps = 3_000_000
"""


def own(folder: Path, text: str, name: str = "own.toml") -> Path:
    (folder / name).write_text(text)
    return folder


def test_shipped_presets_are_those_of_the_vocabulary() -> None:
    presets = Library.load(None).presets
    assert list(presets) == ["endoscopy", "microscopy", "pathology", "ultrasound"]
    assert not any(preset.own for preset in presets.values())


@pytest.mark.parametrize(
    ("name", "first", "priority"),
    [
        ("endoscopy", "1920x1080@60", "motion"),
        ("microscopy", "3840x2160@30", "detail"),
        ("ultrasound", "1920x1080@30", "detail"),
        ("pathology", "3840x2160@15", "detail"),
    ],
)
def test_shipped_preset_asks_for_what_its_modality_needs(name: str, first: str, priority: str) -> None:
    preset = Library.load(None).find(name)
    assert (str(preset.modes[0]), preset.settings.priority) == (first, priority)


def test_still_screen_of_an_ultrasound_device_is_not_soon_called_frozen() -> None:
    assert (Library.load(None).find("ultrasound").settings.freeze_after_ms or 0) >= 3000
    assert Library.load(None).find("endoscopy").settings.freeze_after_ms is None


def test_unknown_preset_is_refused_naming_those_there_are() -> None:
    with pytest.raises(NotFound, match="'xray'; there is endoscopy, microscopy, pathology, ultrasound") as caught:
        Library.load(None).find("xray")
    assert caught.value.code == "unknown_preset"


def test_own_preset_stands_beside_the_shipped_and_goes_before_one_of_its_name(tmp_path: Path) -> None:
    own(tmp_path, GOOD)
    library = Library.load(own(tmp_path, GOOD, "endoscopy.toml"))
    assert list(library.presets) == ["endoscopy", "microscopy", "own", "pathology", "ultrasound"]
    assert (library.find("endoscopy").settings.title, library.find("endoscopy").own) == ("Theatre 2", True)


def test_crop_and_masks_are_read(tmp_path: Path) -> None:
    more = """\
[crop]
of = [1920, 1080]
rect = [420, 0, 1080, 1080]
[[mask]]
device = "Sono*"
of = [1920, 1080]
rects = [[0, 0, 1920, 60]]
[[mask]]
of = [1920, 1080]
rects = [[0, 1000, 300, 80]]
[[mask]]
device = "Other 7"
of = [1280, 720]
rects = [[0, 0, 5, 5]]
"""
    preset = Library.load(own(tmp_path, GOOD + more)).find("own")
    assert preset.crop == Area((1920, 1080), Rect(420, 0, 1080, 1080))
    sono, unknown = preset.mask("SONO 9000"), preset.mask("")
    assert sono is not None
    assert sono.on((1920, 1080)) == (Rect(0, 0, 1920, 60), Rect(0, 1000, 300, 80))
    assert unknown is not None
    assert unknown.on((1920, 1080)) == (Rect(0, 1000, 300, 80),)


BAD = [
    (GOOD.replace("detail", "speed"), "priority: must be 'motion' or 'detail' (got \"speed\")"),
    (GOOD.replace("1920x1080@60", "1080p60"), "modes: '1080p60' is not a mode such as 1920x1080@60"),
    (GOOD.replace('["1920x1080@60"]', "[]"), "modes: must have 1 elements or more"),
    (GOOD.replace("start_bps = 2", "start_bps = 4"), "bitrate: must rise from floor_bps over start_bps to ceiling_bps"),
    (GOOD.replace("floor_bps = 1_000_000", "floor_bps = 5"), "bitrate.floor_bps: must be 100000 or more (got 5)"),
    (GOOD.replace("floor_bps", "flor_bps"), "bitrate.flor_bps: unknown key; did you mean floor_bps?"),
    (GOOD.replace("floor_bps", "flor_bps"), "bitrate.floor_bps: is missing"),
    (GOOD.replace('title = "Theatre 2"', ""), "title: is missing"),
    (GOOD + "[crop]\nof = [100, 100]\nrect = [90, 0, 20, 20]\n", "crop: rect: [90, 0, 20, 20] does not lie inside"),
    (GOOD + "[[mask]]\nof = [9, 9]\nrects = [[0, 0, 1]]\n", "mask.0.rects.0.3: is missing"),
    (GOOD + "[[mask]]\nof = [9, 9]\nrects = [[0, 0, 0, 1]]\n", "mask.0.rects.0.2: must be 1 or more (got 0)"),
    (GOOD + "[[mask]]\nof = [9, 9]\nrects = [[0, 0, 10, 1]]\n", "mask.0: rects: [0, 0, 10, 1] does not lie inside"),
    (GOOD + 'title = "', "is not TOML"),
]


@pytest.mark.parametrize(("text", "words"), BAD, ids=[words[:40] for _, words in BAD])
def test_bad_file_is_refused_naming_file_key_and_value(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(Invalid) as caught:
        Library.load(own(tmp_path, text))
    assert caught.value.code == "config"
    assert any(
        line.startswith(f"{tmp_path / 'own.toml'}: ") and words in line for line in str(caught.value).splitlines()
    )


def test_every_problem_of_every_file_is_said_at_once(tmp_path: Path) -> None:
    own(tmp_path, "x = 1", "a.toml")
    own(tmp_path, GOOD, "Not A Name.toml")
    with pytest.raises(Invalid) as caught:
        Library.load(own(tmp_path, GOOD, "none.toml"))
    for word in ("a.toml: x: unknown key", "Not A Name.toml: a preset's file name", "none.toml: a preset's"):
        assert word in str(caught.value)


def test_directory_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match=r"modality\.presets_dir: .*nowhere is not a directory"):
        Library.load(tmp_path / "nowhere")
