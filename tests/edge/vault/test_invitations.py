from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from edge.model.errors import Forbidden
from edge.model.feedback import Role
from edge.vault.invitations import Invitations
from edge.vault.signing import SigningKey
from tests.fakes import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def invitations(tmp_path: Path, clock: FakeClock) -> Invitations:
    return Invitations(key=SigningKey.load_or_create(tmp_path / "key"), clock=clock)


def make(invitations: Invitations, **more: str) -> tuple[object, str]:
    return invitations.make(**{"rung": "main", "role": Role.GUIDE, "name": "Ada ü", "holds_s": 600, **more})  # type: ignore[arg-type]


def refusal_of(invitations: Invitations, token: str) -> str:
    with pytest.raises(Forbidden) as caught:
        invitations.read(token)
    assert len(token) < 20 or token not in str(caught.value)
    return caught.value.code


def test_what_is_made_is_read(invitations: Invitations) -> None:
    made, token = make(invitations)
    assert invitations.read(token) == made


def test_token_goes_into_a_header_and_an_address_as_it_is(invitations: Invitations) -> None:
    token = make(invitations)[1]
    assert set(token) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.")


def test_no_two_are_the_same(invitations: Invitations) -> None:
    assert make(invitations)[1] != make(invitations)[1]


def test_it_holds_for_so_long_and_no_longer(invitations: Invitations, clock: FakeClock) -> None:
    token = make(invitations)[1]
    clock.advance(598_000)
    invitations.read(token)
    clock.advance(2_000)
    assert refusal_of(invitations, token) == "token_expired"


def test_another_box_does_not_take_it(invitations: Invitations, tmp_path: Path, clock: FakeClock) -> None:
    other = Invitations(key=SigningKey.load_or_create(tmp_path / "other"), clock=clock)
    assert refusal_of(other, make(invitations)[1]) == "token_invalid"


def test_nothing_in_it_can_be_changed(invitations: Invitations) -> None:
    payload, _, signature = make(invitations)[1].partition(".")
    body = json.loads(base64.urlsafe_b64decode(payload + "=="))
    body["until"] += 1_000_000
    forged = base64.urlsafe_b64encode(json.dumps(body).encode()).rstrip(b"=").decode()
    assert refusal_of(invitations, f"{forged}.{signature}") == "token_invalid"


def test_what_the_key_signed_for_another_purpose_is_no_token(tmp_path: Path, clock: FakeClock) -> None:
    key = SigningKey.load_or_create(tmp_path / "key")
    payload = make(Invitations(key=key, clock=clock))[1].partition(".")[0]
    raw = base64.urlsafe_b64decode(payload + "==")
    signature = base64.urlsafe_b64encode(key.sign("application/json", raw)).rstrip(b"=").decode()
    assert refusal_of(Invitations(key=key, clock=clock), f"{payload}.{signature}") == "token_invalid"


def test_a_signed_body_of_another_version_is_refused(tmp_path: Path, clock: FakeClock) -> None:
    key = SigningKey.load_or_create(tmp_path / "key")
    for body in (b"{}", b"[]", b'{"v":2}', b"x"):
        signature = key.sign("application/vnd.scopecast.invitation+json", body)
        token = ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in (body, signature))
        assert refusal_of(Invitations(key=key, clock=clock), token) == "token_invalid"


@pytest.mark.parametrize("token", ["", ".", "a.b", "a", "!.!", "é.é", "A" * 2000 + ".A", "AAAA.AAAA", "AAAA.AAAA.AAAA"])
def test_what_is_no_token_is_refused(invitations: Invitations, token: str) -> None:
    assert refusal_of(invitations, token) == "token_invalid"
