import pytest

from edge.controller.pairing import Target
from edge.model.errors import Invalid

QR = "scopecast+http://10.0.0.5:8080/box-abcdef#q83vEjRWeJCrze8SNFZ4kA"


def test_a_scanned_text_names_box_address_and_secret() -> None:
    target = Target.parse(QR)
    assert (target.url, target.box, target.code) == ("http://10.0.0.5:8080", "box-abcdef", "")
    assert target.secret.hex() == "abcdef1234567890abcdef1234567890"


def test_a_typed_code_may_have_gaps_and_the_address_a_path() -> None:
    target = Target.parse("https://[fd00::5]:8443/", "1234 56-78")
    assert (target.url, target.code, target.secret) == ("https://[fd00::5]:8443", "12345678", b"")


def test_neither_code_nor_secret_is_in_its_words() -> None:
    assert "12345678" not in repr(Target.parse("http://a", "12345678"))
    assert "secret" not in repr(Target.parse(QR))


@pytest.mark.parametrize(
    ("text", "code", "refusal"),
    [
        ("http://127.0.0.1:1", "", "bad_code"),
        ("http://127.0.0.1:1", "1234", "bad_code"),
        ("http://127.0.0.1:1", "1234567x", "bad_code"),
        ("ftp://127.0.0.1", "12345678", "bad_url"),
        ("10.0.0.5", "12345678", "bad_url"),
        ("http://", "12345678", "bad_url"),
        ("scopecast+http://127.0.0.1:1/box-abcdef#cut", "", "bad_code"),
        ("scopecast+http://127.0.0.1:1/box-abcdef", "", "bad_code"),
        ("scopecast+ftp://a/box-abcdef#q83vEjRWeJCrze8SNFZ4kA", "", "bad_url"),
    ],
)
def test_words_that_cannot_be_right_are_refused_before_anything_is_sent(text: str, code: str, refusal: str) -> None:
    with pytest.raises(Invalid) as caught:
        Target.parse(text, code)
    assert caught.value.code == refusal
