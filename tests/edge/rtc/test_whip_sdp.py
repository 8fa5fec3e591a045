from __future__ import annotations

import re

import pytest
from aiortc import RTCPeerConnection, RTCSessionDescription

from edge.model.errors import Rejected
from edge.rtc.connections import h264_only
from edge.rtc.whip_sdp import offered, read_answer


@pytest.fixture
async def offer() -> str:
    connection = RTCPeerConnection()
    connection.addTransceiver("video", direction="sendonly").setCodecPreferences(h264_only())
    try:
        return offered((await connection.createOffer()).sdp)
    finally:
        await connection.close()


@pytest.fixture
async def answer(offer: str) -> str:
    connection = RTCPeerConnection()
    await connection.setRemoteDescription(RTCSessionDescription(offer, "offer"))
    await connection.setLocalDescription()
    try:
        return connection.localDescription.sdp
    finally:
        await connection.close()


def test_offer_is_of_level_4_2_and_its_extensions_have_numbers_of_their_own(offer: str) -> None:
    assert re.findall("profile-level-id=42[0-9a-f]{2}(..)", offer) == ["2a", "2a"]
    assert offer.count(" transport-cc") == 2
    numbers = re.findall(r"a=extmap:(\d+)", offer)
    assert len(numbers) == len(set(numbers)) == 5


def test_a_good_answer_is_taken(answer: str) -> None:
    taken = read_answer(answer)
    assert taken.sdp == answer
    assert {extension.uri.rpartition("/")[2] for extension in taken.extensions} >= {"abs-send-time"}


@pytest.mark.parametrize(
    ("what", "by", "words"),
    [
        ("^v=0", "v=1", "not SDP"),
        ("a=recvonly", "a=inactive", "wants no video"),
        ("a=recvonly", "a=sendonly", "wants no video"),
        ("m=video [0-9]+", "m=video 0", "wants no video"),
        ("H264", "VP8", "no H.264"),
        ("a=ice-pwd:.*\r\n", "", "no ICE"),
        ("a=fingerprint:.*\r\n", "", "no DTLS"),
        ("a=setup:.*\r\n", "a=setup:actpass\r\n", "setup role"),
        ("m=video", "m=audio", "not one video"),
        ("a=group:BUNDLE 0", "a=group:BUNDLE 7", "does not have"),
        ("a=group:BUNDLE 0", "a=group:BUNDLE 0 7", "does not have"),
        ("a=fingerprint:.*\r\n", "a=fingerprint:sha-256\r\n", "does not parse"),
        ("(a=candidate:.*\r\n)", r"\1" * 100, "more than 64"),
    ],
)
def test_an_answer_that_cannot_be_used_is_refused_in_words(answer: str, what: str, by: str, words: str) -> None:
    with pytest.raises(Rejected, match=words) as caught:
        read_answer(re.sub(what, by, answer))
    assert caught.value.code == "answer_refused"


def test_an_endless_answer_is_refused(answer: str) -> None:
    with pytest.raises(Rejected, match="at most"):
        read_answer(answer + "a=x\r\n" * 20_000)
