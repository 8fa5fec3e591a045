import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from edge.controller.cli import main
from edge.controller.home import Home, KnownBox
from edge.vault.signing import PublicKey, kid_of


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
        (("rollout", "send", "nodot", "--all"), "an operation has a dot in its name"),
        (("rollout", "send", "a.b", "--all", "--wave", "x"), "--wave x: a number, or per cent"),
        (("rollout", "send", "a.b", "--all", "--canary", "0"), "a wave has one box at least"),
        (("rollout", "show"), "no rollout is known here"),
        (("rollout", "resume", "r1"), "no rollout r1 is known here"),
        (("events", "--since", "yesterday"), "--since yesterday: 90s, 15m"),
        (("events", "zz"), "no known box is called zz"),
        (("desired", "apply", "/nowhere.json"), "cannot read /nowhere.json: No such file"),
        (("desired", "rollback", "--box", "aab"), "box-aabbcc: nothing to go back to"),
        (("desired", "rollback", "--box", "aab", "--to", "7"), "box-aabbcc: no such revision was put from here"),
        (("desired", "diff", "--box", "aab"), "name a FILE or --rev N"),
        (("desired", "show"), "more than one box is known, name one"),
        (("keys", "new", "--pkcs11", "pkcs11:token=x"), "must name the key by object="),
        (("keys", "new", "--pkcs11", "pkcs11:object=x?pin-value=1"), "pin-value would show the PIN"),
        (("keys", "export", "ctl-nope"), "no key ctl-nope is here"),
        (("keys", "rotate", "--to", "ctl-nope"), "no key ctl-nope is here"),
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


def test_keys_are_made_listed_exported_and_retired(capsys: pytest.CaptureFixture[str], home: str) -> None:
    code, out, _ = run(capsys, "--home", home, "keys", "new")
    new = out.split()[0]
    assert (code, out.split()[3]) == (0, "next")
    code, out, _ = run(capsys, "--home", home, "keys", "list", "--json")
    assert [json.loads(line)["state"] for line in out.splitlines()] == ["active", "next"]
    code, out, _ = run(capsys, "--home", home, "keys", "export", new)
    key = load_pem_public_key(out.encode())
    assert isinstance(key, Ed25519PublicKey)
    assert kid_of(PublicKey(key.public_bytes_raw())) == new
    assert run(capsys, "--home", home, "keys", "retire", new)[:2] == (0, f"{new} retired\n")
    code, _, err = run(capsys, "--home", home, "keys", "retire", Home(Path(home)).key().kid)
    assert code == 1
    assert "rotate to another key first" in err


def test_an_empty_record_has_no_events(capsys: pytest.CaptureFixture[str], home: str) -> None:
    assert run(capsys, "--home", home, "events", "--json") == (0, "", "")


def test_the_contract_is_printed_for_programs(capsys: pytest.CaptureFixture[str], home: str) -> None:
    code, out, _ = run(capsys, "--home", home, "asyncapi")
    assert (code, json.loads(out)["asyncapi"]) == (0, "3.0.0")


def test_list_is_there_for_programs(capsys: pytest.CaptureFixture[str], home: str) -> None:
    _, out, _ = run(capsys, "--home", home, "list", "--json")
    assert [json.loads(line)["id"] for line in out.splitlines()] == ["box-aabbcc", "box-aaddee"]


@pytest.mark.parametrize(
    ("text", "says"),
    [('{"rev": 5}', "rev: written by edgectl, not by you"), ("[]", "must hold one JSON object"), ("{", "not JSON")],
)
def test_a_document_that_cannot_be_put_is_one_line_and_code_2(
    capsys: pytest.CaptureFixture[str], home: str, tmp_path: Path, text: str, says: str
) -> None:
    (tmp_path / "document").write_text(text)
    code, out, err = run(capsys, "--home", home, "desired", "apply", str(tmp_path / "document"), "--all")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert says in err
