from __future__ import annotations

import threading
from pathlib import Path

import pytest

from edge.controller.folder import Folder
from edge.controller.keychain import Keychain
from edge.model.errors import EdgeError


def test_what_was_written_is_read_and_seen_by_nobody_else(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "home")
    assert folder.read("a.json") == {}
    folder.write("a.json", {"n": 1})
    assert folder.read("a.json", secret=True) == {"n": 1}
    assert (tmp_path / "home" / "a.json").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("spoil", ["{", "[]", '"text"', "\x00"])
def test_a_damaged_file_is_named(tmp_path: Path, spoil: str) -> None:
    (tmp_path / "a.json").write_text(spoil)
    with pytest.raises(EdgeError, match=r"a\.json is damaged") as caught:
        Folder(tmp_path).read("a.json")
    assert caught.value.code == "home_broken"


def test_a_secret_that_others_may_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{}")
    (tmp_path / "a.json").chmod(0o644)
    assert Folder(tmp_path).read("a.json") == {}
    with pytest.raises(EdgeError) as caught:
        Folder(tmp_path).read("a.json", secret=True)
    assert caught.value.code == "key_exposed"


def test_a_place_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    folder = Folder(tmp_path / "file")
    with pytest.raises(EdgeError) as caught:
        folder.write("a.json", {})
    assert caught.value.code == "controller_home"
    with pytest.raises(EdgeError) as caught, folder.locked():
        pass
    assert caught.value.code == "controller_home"


def test_keys_made_at_the_same_time_are_all_kept(tmp_path: Path) -> None:
    """By several edgectl: each reads the list and writes it with its own key."""
    Keychain(Folder(tmp_path)).held()
    makers = [threading.Thread(target=Keychain(Folder(tmp_path)).add) for _ in range(8)]
    for maker in makers:
        maker.start()
    for maker in makers:
        maker.join()
    assert len(Keychain(Folder(tmp_path)).held()) == 9
