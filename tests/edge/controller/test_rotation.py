from __future__ import annotations

from pathlib import Path

import pytest

from edge.controller.folder import Folder
from edge.controller.rotation import Phase, Rotation
from edge.model.errors import Fault

BOXES = ("a", "b")


def test_nowhere_is_the_old_key_taken_away_before_all_know_the_new_one() -> None:
    rotation = Rotation("old", "new").enrol("a")
    assert (rotation.phase(BOXES), rotation.waiting(BOXES)) == (Phase.ENROL, ("b",))
    assert (rotation.kid_for("a"), rotation.kid_for("b")) == ("new", "old")
    rotation = rotation.enrol("b")
    assert (rotation.phase(BOXES), rotation.waiting(BOXES)) == (Phase.RETIRE, BOXES)
    rotation = rotation.retire("a")
    assert (rotation.phase(BOXES), rotation.waiting(BOXES)) == (Phase.RETIRE, ("b",))
    rotation = rotation.retire("b")
    assert (rotation.phase(BOXES), rotation.waiting(BOXES)) == (Phase.DONE, ())


def test_a_box_that_joins_in_between_holds_the_retirement_up() -> None:
    rotation = Rotation("old", "new").enrol("a").enrol("b").retire("a")
    assert rotation.phase((*BOXES, "c")) is Phase.ENROL
    assert rotation.waiting((*BOXES, "c")) == ("c",)


def test_it_goes_on_from_the_file(tmp_path: Path) -> None:
    assert Rotation.load(Folder(tmp_path)) is None
    rotation = Rotation("old", "new").enrol("a").enrol("a").retire("b")
    rotation.save(Folder(tmp_path))
    assert Rotation.load(Folder(tmp_path)) == rotation
    Rotation.clear(Folder(tmp_path))
    Rotation.clear(Folder(tmp_path))
    assert Rotation.load(Folder(tmp_path)) is None


@pytest.mark.parametrize("text", ["{", "[]", '{"old": "x"}', '{"old": "a", "new": "b", "enrolled": 5, "retired": []}'])
def test_a_damaged_file_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "rotation.json").write_text(text)
    with pytest.raises(Fault, match=r"rotation\.json is damaged"):
        Rotation.load(Folder(tmp_path))
