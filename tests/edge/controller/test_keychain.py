from __future__ import annotations

import json
from pathlib import Path

import pytest

from edge.controller.folder import Folder
from edge.controller.keychain import Keychain, KeyState
from edge.model.errors import EdgeError, Fault


def test_the_first_key_is_made_at_first_use_and_stays(tmp_path: Path) -> None:
    active = Keychain(Folder(tmp_path)).active()
    assert Keychain(Folder(tmp_path)).active().kid == active.kid
    assert [(key.kid, key.state, key.source) for key in Keychain(Folder(tmp_path)).held()] == [
        (active.kid, KeyState.ACTIVE, "key.pem")
    ]


def test_no_secret_is_in_the_list_and_every_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    chain = Keychain(Folder(tmp_path))
    chain.add()
    assert "PRIVATE" not in (tmp_path / "keys.json").read_text()
    assert {path.stat().st_mode & 0o777 for path in tmp_path.rglob("*") if path.is_file()} == {0o600}


def test_a_new_key_signs_only_once_it_is_made_active(tmp_path: Path) -> None:
    chain = Keychain(Folder(tmp_path))
    first, second = chain.active().kid, chain.add().kid
    assert chain.active().kid == first
    chain.activate(second)
    assert Keychain(Folder(tmp_path)).active().kid == second
    assert [key.state for key in chain.held()] == [KeyState.RETIRED, KeyState.ACTIVE]
    assert chain.signer(first).kid == first


def test_the_key_that_signs_is_not_retired(tmp_path: Path) -> None:
    chain = Keychain(Folder(tmp_path))
    with pytest.raises(EdgeError, match="rotate to another key first"):
        chain.retire(chain.active().kid)
    new = chain.add()
    chain.retire(new.kid)
    assert chain.find(new.kid).state is KeyState.RETIRED


def test_a_key_that_is_not_here_is_named(tmp_path: Path) -> None:
    with pytest.raises(EdgeError, match="no key ctl-x is here") as caught:
        Keychain(Folder(tmp_path)).signer("ctl-x")
    assert caught.value.code == "unknown_key"


def test_another_key_in_the_place_of_one_is_noticed(tmp_path: Path) -> None:
    Keychain(Folder(tmp_path)).active()
    (tmp_path / "key.pem").unlink()
    with pytest.raises(EdgeError, match=r"key\.pem is gone"):
        Keychain(Folder(tmp_path)).active()
    (tmp_path / "key.pem").write_bytes(other_key(tmp_path))
    (tmp_path / "key.pem").chmod(0o600)
    with pytest.raises(Fault, match=r"key\.pem holds another key than ctl-"):
        Keychain(Folder(tmp_path)).active()


def other_key(tmp_path: Path) -> bytes:
    Keychain(Folder(tmp_path / "other")).active()
    return (tmp_path / "other" / "key.pem").read_bytes()


@pytest.mark.parametrize("spoil", ["{", '{"keys": [{}]}', '{"keys": []', "[]"])
def test_a_damaged_list_is_named(tmp_path: Path, spoil: str) -> None:
    (tmp_path / "keys.json").write_text(spoil)
    with pytest.raises(Fault, match=r"keys\.json is damaged"):
        Keychain(Folder(tmp_path)).held()


def test_two_active_keys_are_damage(tmp_path: Path) -> None:
    chain = Keychain(Folder(tmp_path))
    chain.add()
    text = (tmp_path / "keys.json").read_text().replace('"next"', '"active"')
    (tmp_path / "keys.json").write_text(text)
    assert json.loads(text)["v"] == 1
    with pytest.raises(Fault, match="not one active key"):
        chain.held()
