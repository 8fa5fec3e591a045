from __future__ import annotations

import pytest

from edge.model.errors import Invalid
from edge.rtc.whip_url import check_token, check_whip_url, origin, where


@pytest.mark.parametrize(
    "url",
    [
        "https://ingest.example/whip/room?key=1",
        "https://[2001:db8::1]:8443/",
        "http://127.0.0.1:9000/whip",
        "http://[::1]/whip",
        "http://localhost/whip",
    ],
)
def test_an_address_that_may_be_asked(url: str) -> None:
    check_whip_url(url)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("srt://a:1", "scheme 'srt'"),
        ("http://ingest.example/", "say https"),
        ("http://10.0.0.1/", "say https"),
        ("https:///whip", "needs a host"),
        ("https://me:hunter2@a/", "no user or password"),
        ("https://a/#hunter2", "characters"),
        ("https://a/ hunter2", "characters"),
        ("https://a/\r\nhunter2", "characters"),
        ("https://a:hunter2/", "does not parse"),
        ("https://a:99999/", "does not parse"),
        ("https://[::1/", "does not parse"),
        ("", "scheme ''"),
    ],
)
def test_an_address_that_may_not_be_asked_is_refused_in_words(url: str, words: str) -> None:
    with pytest.raises(Invalid, match=words) as caught:
        check_whip_url(url)
    assert "hunter2" not in str(caught.value)


def test_origin_knows_the_default_port() -> None:
    assert origin("https://A.example/x") == origin("https://a.example:443/y") == ("https", "a.example", 443)
    assert origin("https://a.example") != origin("https://a.example:8443")


def test_messages_show_neither_path_nor_query() -> None:
    assert where("https://a.example:8443/whip/key?token=1") == "https://a.example:8443"


@pytest.mark.parametrize("token", ["a", "eyJ.a-b_c~+/=="])
def test_token_that_a_header_can_carry(token: str) -> None:
    check_token(token)


@pytest.mark.parametrize("token", ["", "hunter 2", "hunter2\r\nX: y", "=hunter2", "hünter2", "hunter2" * 1000])
def test_token_that_no_header_can_carry_is_not_repeated(token: str) -> None:
    with pytest.raises(Invalid) as caught:
        check_token(token)
    assert "hunter2" not in str(caught.value)
