"""The checks of a desired document: each row breaks one more than the row below it."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.link.desired import Document, Flaw, Mark, News, compare, examine_desired
from edge.link.signatures import Refused, Situation, TrustedKey
from tests.mqtt_orders import KID, STRANGER, desired, order, sign, signed, trust

BOX = "box-abcdef"
NOW_S = 1_800_000_000
SYNCED = Situation(box=BOX, now_ms=NOW_S * 1000, clock_synchronised=True, chal="CHAL")
PT = "eb/1/desired"


class Ring:
    def __init__(self, *keys: TrustedKey) -> None:
        self._keys: Mapping[str, TrustedKey] = {key.kid: key for key in keys}

    def find(self, kid: str) -> TrustedKey | None:
        return self._keys.get(kid)


RING = Ring(trust())


def document(**changes: Any) -> bytes:
    return signed({**desired(BOX, 57), **changes}, pt=PT)


def code_of(raw: bytes, *, ring: Ring = RING, situation: Situation = SYNCED) -> str:
    verdict = examine_desired(raw, keyring=ring, situation=situation)
    return verdict.code if isinstance(verdict, Refused) else "accepted"


def test_a_good_document_is_told_with_its_signer_and_digest() -> None:
    body = desired(BOX, 57, preset="endoscopy", later="field")
    verdict = examine_desired(signed(body, pt=PT), keyring=RING, situation=SYNCED)
    digest = hashlib.sha256(json.dumps(body).encode()).hexdigest()
    assert verdict == Document(57, digest, KID, present=False, body=body)


def test_order_of_checks_first_failing_wins() -> None:
    ended, narrow = Ring(trust(ops=("stream.*",), not_after_s=NOW_S - 1)), Ring(trust(ops=("stream.*",)))
    broken = {"box": "other", "v": 2, "rev": 0}
    forged = signed({**desired(BOX, 57), **broken}, key=STRANGER, pt=PT)
    assert code_of(b" " * 70_000, ring=Ring()) == "too_large"
    assert code_of(b"{", ring=Ring()) == "malformed"
    assert code_of(forged, ring=Ring()) == "unknown_key"
    assert code_of(forged, ring=ended) == "key_expired"
    assert code_of(forged, ring=narrow) == "forbidden"
    assert code_of(forged) == "bad_signature"
    assert code_of(document(**broken)) == "wrong_box"
    assert code_of(document(v=2, rev=0)) == "unknown_version"
    assert code_of(document(rev=0)) == "malformed"
    assert code_of(document()) == "accepted"


def test_a_key_for_desired_alone_is_enough_and_one_for_other_boxes_is_not() -> None:
    assert code_of(document(), ring=Ring(trust(ops=("desired.set",)))) == "accepted"
    assert code_of(document(), ring=Ring(trust(boxes=("box-x*",)))) == "forbidden"


def test_a_signature_of_a_command_is_none_of_a_document() -> None:
    """The payload type is signed too, so neither can be passed off as the other."""
    envelope = sign(json.dumps({**order(BOX, "stream.start"), **desired(BOX, 57)}).encode())
    assert code_of(json.dumps({**envelope, "pt": PT}).encode()) == "bad_signature"
    assert code_of(json.dumps(envelope).encode()) == "malformed"


@pytest.mark.parametrize("rev", [None, "57", 0, -1, True, 5.0, 1 << 53])
def test_a_revision_that_is_no_positive_number_is_malformed(rev: Any) -> None:
    assert code_of(document(rev=rev)) == "malformed"


def test_only_what_a_trusted_key_signed_for_this_box_counts_as_signed() -> None:
    def is_signed(raw: bytes) -> bool:
        verdict = examine_desired(raw, keyring=RING, situation=SYNCED)
        assert isinstance(verdict, Refused)
        return verdict.signed

    assert is_signed(document(v=2))
    assert is_signed(document(rev=None))
    assert not is_signed(document(box="other"))
    assert not is_signed(signed(desired(BOX, 57), key=STRANGER, pt=PT))


@pytest.mark.parametrize(("chal", "present"), [("CHAL", True), ("OLD", False), (None, False), (5, False)])
def test_only_the_current_challenge_shows_presence(chal: Any, present: bool) -> None:
    verdict = examine_desired(document(chal=chal), keyring=RING, situation=SYNCED)
    assert isinstance(verdict, Document)
    assert verdict.present is present


@pytest.mark.parametrize("years", [-10, 10])
def test_a_clock_ten_years_off_ends_no_key(years: int) -> None:
    ring = Ring(trust(not_after_s=NOW_S + 86_400))
    wrong = Situation(BOX, (NOW_S + years * 31_557_600) * 1000, clock_synchronised=False, chal="C")
    assert code_of(document(), ring=ring, situation=wrong) == "accepted"


def test_a_key_that_had_ended_while_the_clock_was_right_stays_ended() -> None:
    ring = Ring(trust(not_after_s=NOW_S - 86_400))
    behind = Situation(BOX, 0, clock_synchronised=False, chal="C", floor_ms=NOW_S * 1000)
    assert code_of(document(), ring=ring, situation=behind) == "key_expired"


@pytest.mark.parametrize(
    ("seen", "news"),
    [
        (None, News.NEWER),
        (Mark(56, "d"), News.NEWER),
        (Mark(57, "d"), News.SAME),
        (Mark(57, "other"), News.CONFLICT),
        (Mark(58, "d"), News.OLDER),
    ],
)
def test_revision_alone_says_what_is_news(seen: Mark | None, news: News) -> None:
    assert compare(Document(57, "d", KID, present=False, body={}), seen) is news


def test_a_flaw_on_the_wire_is_bounded() -> None:
    wire = Flaw("/" + "x" * 500, "range", "y" * 5000).wire()
    assert (len(wire["path"]), wire["code"], len(wire["detail"])) == (128, "range", 200)


@given(st.binary(max_size=300))
def test_random_bytes_are_never_accepted_and_never_raise(raw: bytes) -> None:
    assert code_of(raw) != "accepted"


GOOD = document()


@given(st.data())
def test_a_changed_byte_is_never_another_document(data: st.DataObject) -> None:
    raw = bytearray(GOOD)
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    verdict = examine_desired(bytes(raw), keyring=RING, situation=SYNCED)
    if isinstance(verdict, Document):
        assert verdict == examine_desired(GOOD, keyring=RING, situation=SYNCED)
