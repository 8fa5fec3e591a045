import base64

import pytest

from edge.model.errors import Forbidden, Invalid
from edge.vault.proof import CodeExchange, Transcript

KEY = bytes(range(16))


def test_each_side_accepts_what_the_other_sealed() -> None:
    ours, theirs = Transcript(KEY), Transcript(KEY)
    theirs.check("controller", "hello", ours.seal("controller", "hello"))
    ours.check("box", "good day", theirs.seal("box", "good day"))


@pytest.mark.parametrize(
    ("who", "text"), [("controller", "hellO"), ("box", "hello"), ("controller", ""), ("controllerh", "ello")]
)
def test_a_changed_word_or_speaker_is_noticed(who: str, text: str) -> None:
    seal = Transcript(KEY).seal("controller", "hello")
    with pytest.raises(Forbidden) as caught:
        Transcript(KEY).check(who, text, seal)
    assert caught.value.code == "proof_wrong"


def test_a_seal_covers_what_was_said_before() -> None:
    ours, theirs = Transcript(KEY), Transcript(KEY)
    ours.seal("controller", "one")
    theirs.seal("controller", "another")
    assert not theirs.agrees("box", "two", ours.seal("box", "two"))


def test_a_wrong_seal_leaves_the_transcript_as_it_was() -> None:
    ours, theirs = Transcript(KEY), Transcript(KEY)
    assert not theirs.agrees("controller", "forged", "AAAA")
    assert theirs.agrees("controller", "hello", ours.seal("controller", "hello"))


def test_another_secret_makes_another_seal() -> None:
    assert not Transcript(bytes(16)).agrees("box", "x", Transcript(KEY).seal("box", "x"))


def test_the_same_code_makes_the_same_key_and_another_code_another_one() -> None:
    controller, box = CodeExchange.of_controller("12345678"), CodeExchange.of_box("12345678")
    key = box.key(controller.first)
    assert controller.key(box.first) == key
    assert "12345678" not in controller.first
    wrong = CodeExchange.of_controller("12345679")
    box = CodeExchange.of_box("12345678")
    assert wrong.key(box.first) != box.key(wrong.first)


@pytest.mark.parametrize(
    "theirs",
    ["", "é", "AAAA", base64.b64encode(b"A" + b"\xff" * 32).decode(), base64.b64encode(b"A" + bytes(32)).decode()],
)
def test_hostile_exchanges_are_refused(theirs: str) -> None:
    with pytest.raises(Invalid) as caught:
        CodeExchange.of_box("12345678").key(theirs)
    assert caught.value.code == "bad_exchange"


def test_our_own_word_sent_back_is_refused() -> None:
    box = CodeExchange.of_box("12345678")
    with pytest.raises(Invalid):
        box.key(box.first)
