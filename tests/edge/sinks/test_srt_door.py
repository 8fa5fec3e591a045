from __future__ import annotations

import pytest

from edge.model.sink import PeerSpec, SinkKind, SinkSpec
from edge.sinks.srt_door import Guest, Refusal, SrtDoor

ONE = PeerSpec("expert-1", "the first one's words")
TWO = PeerSpec("expert-2", "the second one's words")


def door(*peers: PeerSpec, passphrase: str = "") -> SrtDoor:
    return SrtDoor(SinkSpec("srt", SinkKind.SRT, "srt://:9", passphrase=passphrase, peers=peers))


@pytest.mark.parametrize("stream_id", ["", "room", "#!::u=anybody", "#!::m=bidirectional,t=stream"])
def test_without_peers_everybody_is_let_in(stream_id: str) -> None:
    assert door().judge(stream_id) == Guest()


def test_peer_gets_the_passphrase_that_is_its_own() -> None:
    assert door(ONE, TWO).judge("#!::r=main,u=expert-2") == Guest("expert-2", TWO.passphrase, TWO)


@pytest.mark.parametrize(
    ("stream_id", "number", "sentence"),
    [
        ("#!::u=expert-3", 1401, "no peer is called 'expert-3'"),
        ("#!::u=EXPERT-1", 1401, "no peer is called 'EXPERT-1'"),
        ("", 1401, "it does not say which peer it is"),
        ("expert-1", 1401, "it does not say which peer it is"),
        ("#!::r=main", 1401, "it does not say which peer it is"),
        ("#!::u", 1400, "'u' is not key=value"),
        ("#!::u=expert-1,m=publish", 1405, "it wants to publish"),
        ("#!::u=expert-1,t=file", 1415, "it asks for type 'file'"),
    ],
)
def test_others_are_refused_with_the_reason(stream_id: str, number: int, sentence: str) -> None:
    verdict = door(ONE, TWO).judge(stream_id)
    assert isinstance(verdict, Refusal)
    assert verdict.number == number
    assert sentence in verdict.sentence


def test_peer_whose_passphrase_is_lost_does_not_come_in_without() -> None:
    verdict = door(PeerSpec("expert-1", "")).judge("#!::u=expert-1")
    assert isinstance(verdict, Refusal)
    assert "passphrase of peer 'expert-1' is not known" in verdict.sentence


def test_listener_with_a_passphrase_of_its_own_takes_callers_that_name_nobody() -> None:
    mixed = door(ONE, passphrase="for everybody")
    assert mixed.judge("") == Guest()
    assert isinstance(mixed.judge("#!::u=stranger"), Refusal), "who names somebody has to be that one"


def test_long_name_is_not_repeated_whole() -> None:
    verdict = door(ONE).judge("#!::u=" + "x" * 400)
    assert isinstance(verdict, Refusal)
    assert len(verdict.sentence) < 80


def test_no_repr_tells_a_passphrase() -> None:
    guest = door(ONE).judge("#!::u=expert-1")
    assert ONE.passphrase not in repr(guest) + repr(ONE)
