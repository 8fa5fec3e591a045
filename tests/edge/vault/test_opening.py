import base64

import pytest

from edge.model.errors import EdgeError
from edge.vault.opening import MAX_WRONG, Opening
from edge.vault.proof import CodeExchange, Transcript


def code_of(opening: Opening, text: str, seal: str) -> str:
    with pytest.raises(EdgeError) as caught:
        opening.listen(text, seal)
    return caught.value.code


def scanned(opening: Opening) -> Transcript:
    return Transcript(base64.urlsafe_b64decode(opening.secret + "=="))


def test_the_secret_has_128_bits_that_are_never_the_same() -> None:
    assert len(base64.urlsafe_b64decode(Opening(now_ns=0).secret + "==")) == 16
    assert Opening(now_ns=0).secret != Opening(now_ns=0).secret


def test_who_scanned_and_who_exchanged_the_code_are_both_heard() -> None:
    opening = Opening(now_ns=0)
    opening.listen("a", scanned(opening).seal("controller", "a"))
    exchange = CodeExchange.of_controller(opening.digits)
    key = exchange.key(opening.exchange(exchange.first))
    opening.listen("b", Transcript(key).seal("controller", "b"))


def test_a_message_that_came_before_is_a_replay() -> None:
    opening = Opening(now_ns=0)
    seal = scanned(opening).seal("controller", "a")
    opening.listen("a", seal)
    assert code_of(opening, "a", seal) == "replayed"
    assert not opening.closed


def test_five_wrong_seals_close_it_and_each_exchange_is_one_guess() -> None:
    opening = Opening(now_ns=0)
    wrong = CodeExchange.of_controller("x")
    key = wrong.key(opening.exchange(wrong.first))
    codes = [code_of(opening, "a", Transcript(key).seal("controller", f"a{n}")) for n in range(MAX_WRONG)]
    assert codes == ["code_wrong"] * (MAX_WRONG - 1) + ["pairing_closed"]
    assert opening.closed


def test_after_a_wrong_seal_the_exchange_is_over() -> None:
    opening = Opening(now_ns=0)
    exchange = CodeExchange.of_controller(opening.digits)
    key = exchange.key(opening.exchange(exchange.first))
    code_of(opening, "a", "AAAA")
    assert code_of(opening, "a", Transcript(key).seal("controller", "a")) == "code_wrong"


def test_exchanges_without_end_close_it() -> None:
    opening = Opening(now_ns=0)
    theirs = CodeExchange.of_controller("00000000").first
    for _ in range(20):
        opening.exchange(theirs)
    with pytest.raises(EdgeError) as caught:
        opening.exchange(theirs)
    assert caught.value.code == "pairing_closed"
    assert opening.closed
