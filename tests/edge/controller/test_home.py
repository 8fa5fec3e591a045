from pathlib import Path

import pytest

from edge.controller.home import ENV, Home, KnownBox, default_home
from edge.controller.local import trust_local
from edge.model.errors import EdgeError, Fault
from edge.vault.keyring import Keyring


def known(name: str) -> KnownBox:
    return KnownBox(name, "127.0.0.1", 1883)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    home.remember(known("box-aabbcc"))
    home.remember(known("box-aaddee"))
    home.remember(known("other-1"))
    return home


@pytest.mark.parametrize(
    ("text", "found"),
    [("box-aabbcc", "box-aabbcc"), ("box-aab", "box-aabbcc"), ("aad", "box-aaddee"), ("oth", "other-1")],
)
def test_a_box_is_found_by_any_unique_beginning(home: Home, text: str, found: str) -> None:
    assert home.find(text).id == found


@pytest.mark.parametrize(
    ("text", "code", "says"),
    [
        ("aa", "ambiguous_box", "aa fits more than one box: box-aabbcc, box-aaddee"),
        ("zz", "unknown_box", "no known box is called zz: box-aabbcc, box-aaddee, other-1"),
        (None, "ambiguous_box", "more than one box is known, name one"),
    ],
)
def test_a_box_that_cannot_be_told_is_refused(home: Home, text: str | None, code: str, says: str) -> None:
    with pytest.raises(EdgeError, match=says) as caught:
        home.find(text)
    assert caught.value.code == code


def test_an_exact_name_wins_over_a_longer_one(home: Home) -> None:
    home.remember(known("box-aabbccdd"))
    assert home.find("box-aabbcc").id == "box-aabbcc"


def test_the_only_box_needs_no_name(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with pytest.raises(EdgeError, match="edgectl pair URL"):
        home.find(None)
    home.remember(known("box-aabbcc"))
    assert home.find(None).id == "box-aabbcc"


def test_a_reservation_starts_now_unless_the_clock_was_set_back_or_a_leap_is_wished_for(home: Home) -> None:
    assert home.reserve_ctr(1000, 100, leap=False) == 1000
    assert home.reserve_ctr(1050, 100, leap=False) == 1050
    assert Home(home.path).reserve_ctr(500, 100, leap=False) == 1151
    assert home.reserve_ctr(1200, 100, leap=True) == 1252
    assert home.reserve_ctr(9000, 100, leap=True) == 9000


def test_every_file_is_for_its_owner_alone(home: Home) -> None:
    home.key()
    home.reserve_ctr(1, 1, leap=False)
    assert {p.stat().st_mode & 0o777 for p in home.path.iterdir()} == {0o600}
    assert home.path.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("text", ["{", "[]", '{"box-a": {"port": 1}}'])
def test_a_damaged_file_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "boxes.json").write_text(text)
    with pytest.raises(Fault, match=r"boxes\.json is damaged"):
        Home(tmp_path).boxes()


def test_the_environment_names_the_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENV, "/somewhere")
    assert default_home() == Path("/somewhere")
    monkeypatch.delenv(ENV)
    assert default_home().name == "scopecast-controller"


def test_trusting_the_local_controller_makes_both_ends_know_each_other(tmp_path: Path) -> None:
    keyring = Keyring(tmp_path / "controllers.json")
    kid = trust_local(home=tmp_path / "home", keyring=keyring, box="box-aabbcc", broker=("127.0.0.1", 1884))
    assert trust_local(home=tmp_path / "home", keyring=keyring, box="box-aabbcc", broker=("127.0.0.1", 1884)) == kid
    home = Home(tmp_path / "home")
    assert home.boxes() == (KnownBox("box-aabbcc", "127.0.0.1", 1884),)
    key = Keyring(keyring.path).find(kid)
    assert key is not None
    assert key.verify("t", b"p", home.key().sign("t", b"p"))
