from pathlib import Path

import pytest

from edge.controller.cli import main
from edge.controller.home import Home, KnownBox


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = main(words)
    out, err = capsys.readouterr()
    return code, out, err


@pytest.fixture
def home(tmp_path: Path) -> str:
    home = Home(tmp_path / "home")
    home.remember(KnownBox("box-aabbcc", "127.0.0.1", 1, "http://127.0.0.1:8080"))
    home.remember(KnownBox("box-aaddee", "127.0.0.1", 1))
    return str(home.path)


def test_list_shows_the_known_boxes(capsys: pytest.CaptureFixture[str], home: str) -> None:
    code, out, _ = run(capsys, "--home", home, "list")
    assert code == 0
    assert "box-aabbcc" in out
    assert "http://127.0.0.1:8080" in out


def test_keys_shows_the_public_half_only(capsys: pytest.CaptureFixture[str], home: str) -> None:
    code, out, _ = run(capsys, "--home", home, "keys")
    key = Home(Path(home)).key()
    assert code == 0
    assert out.startswith(f"{key.kid}  ed25519  {key.public.base64}  active  ")
    assert out.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("start", "srt"), "more than one box is known, name one: box-aabbcc, box-aaddee"),
        (("start", "aa", "srt"), "aa fits more than one box"),
        (("start", "zz", "srt"), "no known box is called zz"),
        (("start", "a", "b", "c"), "too many words: [BOX] SINK"),
        (("send", "aab"), "name an operation"),
        (("send", "aab", "stream.start", "sink"), "'sink': arguments are key=value"),
        (("send", "stream.start", "sink=srt"), "more than one box is known"),
        (("pair", "ftp://box", "--code", "1"), "the box's address starts with http:// or https://"),
    ],
)
def test_a_wrong_command_line_is_one_line_and_code_2(
    capsys: pytest.CaptureFixture[str], home: str, words: tuple[str, ...], says: str
) -> None:
    code, out, err = run(capsys, "--home", home, *words)
    assert (code, out) == (2, "")
    assert err.startswith("edgectl: ")
    assert says in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("words", [("start", "aab", "srt"), ("watch", "--once"), ("send", "aad", "a.b", "x=1")])
def test_a_broker_that_is_not_there_is_one_line_and_code_1(
    capsys: pytest.CaptureFixture[str], home: str, words: tuple[str, ...]
) -> None:
    code, out, err = run(capsys, "--home", home, *words)
    assert (code, out) == (1, "")
    assert err.startswith("edgectl: cannot reach the broker 127.0.0.1:1: ")
    assert err.count("\n") == 1


def test_pairing_with_nobody_is_one_line_and_code_1(capsys: pytest.CaptureFixture[str], home: str) -> None:
    code, _, err = run(capsys, "--home", home, "pair", "http://127.0.0.1:1", "--code", "12345678")
    assert code == 1
    assert err.startswith("edgectl: http://127.0.0.1:1 does not answer")


def test_no_boxes_is_told_with_the_way_out(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, _, err = run(capsys, "--home", str(tmp_path), "watch", "--once")
    assert code == 2
    assert err == "edgectl: no box is known here: edgectl pair URL --code CODE\n"
