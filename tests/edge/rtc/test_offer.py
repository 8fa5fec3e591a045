from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.model.errors import Invalid
from edge.rtc.offer import read_fragment, read_offer

SESSION = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n"
TRANSPORT = (
    "a=ice-ufrag:abcd\r\na=ice-pwd:0123456789abcdef012345\r\n"
    "a=fingerprint:sha-256 00:11:22\r\na=setup:actpass\r\na=mid:0\r\na=rtcp-mux\r\n"
)
H264 = "a=rtpmap:102 H264/90000\r\na=fmtp:102 packetization-mode=1;profile-level-id=42e01f\r\n"
VIDEO = "m=video 9 UDP/TLS/RTP/SAVPF 102\r\nc=IN IP4 0.0.0.0\r\na=recvonly\r\n" + TRANSPORT + H264
AUDIO = "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=recvonly\r\na=rtpmap:111 opus/48000/2\r\n" + TRANSPORT
DATA = "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n" + TRANSPORT.replace("a=rtcp-mux\r\n", "")


def test_a_plain_offer_is_read() -> None:
    offer = read_offer(SESSION + VIDEO + "a=extmap:5 http://example.org/x\r\n")
    assert offer.ice_user == "abcd"
    assert [(extension.id, extension.uri) for extension in offer.extensions] == [(5, "http://example.org/x")]


@pytest.mark.parametrize("sections", [VIDEO + DATA, DATA + VIDEO, VIDEO + AUDIO + DATA])
def test_a_data_channel_may_be_offered_beside_the_picture(sections: str) -> None:
    assert read_offer(SESSION + sections).ice_user == "abcd"


@pytest.mark.parametrize("profile", ["42001f", "42e01f", "42E034", "42c01f", "4de01f"])
def test_every_profile_that_can_show_constrained_baseline_by_name_is_taken(profile: str) -> None:
    read_offer(SESSION + VIDEO.replace("42e01f", profile))


@pytest.mark.parametrize(
    ("sdp", "said"),
    [
        ("", "does not begin with v=0"),
        ("hello", "does not begin with v=0"),
        ("v=0\r\nm=video nonsense\r\n", "does not parse"),
        ("v=zero\r\n", "does not begin with v=0"),
        (SESSION + VIDEO + "a=candidate:broken\r\n", "does not parse"),
        (SESSION + VIDEO + "a=fmtp:99 x=1\r\n", "does not parse"),
        (SESSION + "x" * 70_000, "over the limit"),
        (SESSION, "no video sections"),
        (SESSION + AUDIO, "no video sections"),
        (SESSION + VIDEO + VIDEO, "2 video sections"),
        (SESSION + AUDIO + AUDIO + VIDEO, "2 audio sections"),
        (SESSION + VIDEO + DATA + DATA, "2 application sections"),
        (SESSION + DATA, "no video sections"),
        (SESSION + VIDEO + DATA.replace("webrtc-datachannel", "chat"), "not webrtc-datachannel"),
        (SESSION + VIDEO + DATA.replace("DTLS/SCTP", "BFCP"), "not webrtc-datachannel"),
        (SESSION + VIDEO + DATA.replace("a=setup:actpass\r\n", ""), "application section has no DTLS"),
        (SESSION + VIDEO + DATA.replace("m=application", "m=text"), "'text'"),
        (SESSION + VIDEO.replace("recvonly", "sendonly"), "is sendonly, not recvonly"),
        (SESSION + VIDEO.replace("recvonly", "inactive"), "is inactive, not recvonly"),
        (SESSION + VIDEO.replace("a=recvonly\r\n", ""), "without a direction"),
        (SESSION + VIDEO.replace("a=ice-pwd", "a=x-pwd"), "ICE user name fragment or password"),
        (SESSION + VIDEO.replace("a=fingerprint", "a=x-print"), "DTLS fingerprint"),
        (SESSION + VIDEO.replace("a=setup:actpass\r\n", ""), "setup role"),
        (SESSION + VIDEO.replace("a=rtcp-mux\r\n", ""), "no rtcp-mux"),
        (SESSION + VIDEO + AUDIO.replace("a=setup:actpass\r\n", ""), "audio section has no DTLS"),
        (SESSION + VIDEO + "a=candidate:1 1 udp 1 10.0.0.1 9 typ host\r\n" * 65, "more than 64 ICE candidates"),
    ],
)
def test_a_bad_offer_is_refused_by_name(sdp: str, said: str) -> None:
    with pytest.raises(Invalid, match=said) as caught:
        read_offer(sdp)
    assert caught.value.code == "invalid"


@pytest.mark.parametrize(
    "codec",
    [
        "a=rtpmap:102 VP8/90000\r\n",
        H264.replace("packetization-mode=1", "packetization-mode=0"),
        H264.replace("42e01f", "640c1f"),
        H264.replace("42e01f", "zzz"),
    ],
)
def test_an_offer_without_usable_h264_says_so(codec: str) -> None:
    with pytest.raises(Invalid) as caught:
        read_offer(SESSION + VIDEO.replace(H264, codec))
    assert caught.value.code == "no_h264"


@given(st.integers(0, 40), st.integers(0, 40), st.text(max_size=20), st.integers(0, 30))
def test_a_damaged_offer_is_read_or_refused_but_never_breaks(line: int, other: int, junk: str, keep: int) -> None:
    lines = (SESSION + AUDIO + VIDEO).split("\r\n")
    line, other = line % len(lines), other % len(lines)
    damaged = [*lines[:line], lines[line][:keep] + junk, lines[other], *lines[line + 1 :]]
    with contextlib.suppress(Invalid):
        read_offer("\r\n".join(damaged))


@given(st.text())
def test_any_text_as_a_fragment_is_read_or_refused(text: str) -> None:
    for fragment in (text, "a=candidate:" + text):
        with contextlib.suppress(Invalid):
            read_fragment(fragment)


def test_a_trickled_fragment_is_read() -> None:
    fragment = read_fragment(
        "a=ice-ufrag:abcd\r\na=ice-pwd:x\r\nm=video 9 RTP/AVP 0\r\na=mid:0\r\n"
        "a=candidate:1 1 udp 2130706431 10.0.0.1 4000 typ host\r\na=end-of-candidates\r\n"
    )
    assert (fragment.ice_user, fragment.ended) == ("abcd", True)
    assert [(c.ip, c.port, c.sdpMid) for c in fragment.candidates] == [("10.0.0.1", 4000, "0")]


@pytest.mark.parametrize("candidate", ["", "1 1 udp", "1 1 udp x 10.0.0.1 4000 typ host"])
def test_a_bad_candidate_is_refused_by_name(candidate: str) -> None:
    with pytest.raises(Invalid, match=r"ICE candidate .* not understood"):
        read_fragment(f"a=mid:0\r\na=candidate:{candidate}\r\n")
