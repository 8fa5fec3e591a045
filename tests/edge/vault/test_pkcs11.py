"""A real token, made of software: SoftHSM. Each in a directory of its own, in a process that ends with the test run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.model.errors import EdgeError, Fault, Forbidden, Invalid, NotFound
from edge.vault.pkcs11 import TokenKey, parse_uri
from edge.vault.signing import kid_of
from tests.softhsm import PIN, key_uri, make_token


@pytest.fixture(scope="module")
def token(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("token")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOFTHSM2_CONF", str(make_token(folder)))  # read once, when the module is loaded
        yield folder


def test_a_wrong_pin_is_refused_without_being_repeated(token: Path) -> None:
    with pytest.raises(Forbidden) as caught:
        TokenKey.open(key_uri(token).partition("&")[0], ask_pin=lambda name: "0000-wrong")
    assert caught.value.code == "pin_wrong"
    assert "0000" not in str(caught.value)


def test_a_key_made_in_the_token_signs_and_is_found_again(token: Path) -> None:
    made = TokenKey.open(key_uri(token), make=True)
    found = TokenKey.open(key_uri(token), make=True)
    assert (found.public, found.kid) == (made.public, kid_of(made.public))
    signature = found.sign("eb/1/cmd", b"payload")
    assert made.public.verify("eb/1/cmd", b"payload", signature)
    assert not made.public.verify("eb/1/desired", b"payload", signature)
    assert PIN not in repr(found)


def test_the_pin_may_be_asked_for(token: Path) -> None:
    asked: list[str] = []

    def ask(name: str) -> str:
        asked.append(name)
        return PIN

    TokenKey.open(key_uri(token).partition("&")[0], ask_pin=ask, make=True)
    assert asked == ["fleet"]


def test_nobody_to_ask_is_told_with_the_way_out(token: Path) -> None:
    with pytest.raises(Forbidden, match="name its file by pin-source") as caught:
        TokenKey.open(key_uri(token).partition("&")[0])
    assert caught.value.code == "pin_needed"


def test_a_pin_that_others_may_read_is_refused(token: Path) -> None:
    (token / "open").write_text(PIN)
    (token / "open").chmod(0o644)
    with pytest.raises(Fault, match="can be read by others"):
        TokenKey.open(key_uri(token, pin="open"))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"name": "nope"}, "no Ed25519 key there"),
        ({"label": "other"}, "no such token"),
        ({"pin": "absent"}, "cannot read the PIN's file"),
    ],
)
def test_what_is_not_there_is_named(token: Path, change: dict[str, str], says: str) -> None:
    with pytest.raises(EdgeError, match=says):
        TokenKey.open(key_uri(token, **change))


def test_two_keys_of_one_name_are_not_guessed_between(token: Path) -> None:
    TokenKey.open(f"pkcs11:token=fleet;object=twin;id=%01?{key_uri(token).partition('?')[2]}", make=True)
    TokenKey.open(f"pkcs11:token=fleet;object=twin;id=%02?{key_uri(token).partition('?')[2]}", make=True)
    with pytest.raises(NotFound, match="name it by id="):
        TokenKey.open(key_uri(token, name="twin"))


def test_a_module_that_cannot_be_loaded_is_named(token: Path) -> None:
    with pytest.raises(EdgeError, match=r"cannot load the PKCS #11 module /nowhere\.so"):
        TokenKey.open("pkcs11:object=a?module-path=/nowhere.so")


def test_a_uri_is_taken_apart() -> None:
    at = parse_uri("pkcs11:token=my%20fleet;serial=12;id=%01%ff?module-name=opensc-pkcs11&pin-source=/run/pin")
    assert (at.token, at.serial, at.label, at.id) == ("my fleet", "12", None, b"\x01\xff")
    assert (at.module, at.pin_file) == ("opensc-pkcs11.so", Path("/run/pin"))
    assert parse_uri("pkcs11:object=a").module == "p11-kit-proxy.so"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("file:x", "is named by pkcs11:"),
        ("pkcs11:token=a", "must name the key by object= or id="),
        ("pkcs11:object=a?pin-value=123", "pin-value would show the PIN"),
        ("pkcs11:object=a?pin-source=|cat", "a command is not run"),
        ("pkcs11:object", "'object' of the URI cannot be read"),
        ("pkcs11:object=%zz", "'object' of the URI cannot be read"),
        ("pkcs11:object=a;object=b", "'object' of the URI cannot be read"),
    ],
)
def test_a_wrong_uri_is_refused_without_repeating_it(text: str, says: str) -> None:
    with pytest.raises(Invalid, match=says) as caught:
        parse_uri(text)
    assert caught.value.code == "bad_key_uri"
    assert "123" not in str(caught.value)
