"""The order of acceptance: each row breaks one check more than the row below it."""

import base64
import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.link.acceptance import Accepted, Memory, Refused, Situation, TrustedKey, examine, is_sensitive, remember
from edge.link.envelope import Order
from tests.mqtt_orders import KID, STRANGER, order, sign, signed, trust

BOX = "box-abcdef"
NOW_S = 1_800_000_000
SYNCED = Situation(box=BOX, now_ms=NOW_S * 1000, clock_synchronised=True, chal="CHAL")
UNSYNCED = Situation(box=BOX, now_ms=5_000, clock_synchronised=False, chal="CHAL")


class Ring:
    def __init__(self, *keys: TrustedKey) -> None:
        self._keys: Mapping[str, TrustedKey] = {key.kid: key for key in keys}

    def find(self, kid: str) -> TrustedKey | None:
        return self._keys.get(kid)


RING = Ring(trust())


def fresh(op: str = "stream.start", **changes: Any) -> dict[str, Any]:
    body = {**order(BOX, op, {"sink": "srt"}, iat=NOW_S, exp=NOW_S + 60), **changes}
    return {name: value for name, value in body.items() if value is not None}


def code_of(raw: bytes, *, ring: Ring = RING, situation: Situation = SYNCED) -> str:
    verdict = examine(raw, keyring=ring, situation=situation)
    return verdict.code if isinstance(verdict, Refused) else "accepted"


def test_a_good_command_is_accepted_with_its_fields() -> None:
    body = fresh(ctr=7, if_rev=3)
    verdict = examine(signed(body), keyring=RING, situation=SYNCED)
    assert isinstance(verdict, Accepted)
    assert verdict.kid == KID
    assert verdict.order == Order(
        id=body["id"],
        ctr=7,
        op="stream.start",
        args={"sink": "srt"},
        by="tester",
        iat_ms=NOW_S * 1000,
        exp_ms=(NOW_S + 60) * 1000,
        if_rev=3,
    )


def test_times_may_be_milliseconds() -> None:
    assert code_of(signed(fresh(iat=NOW_S * 1000, exp=NOW_S * 1000 + 60_000))) == "accepted"
    assert code_of(signed(fresh(iat=NOW_S * 1000 - 90_000, exp=NOW_S * 1000 - 1))) == "expired"


def test_unknown_fields_are_ignored() -> None:
    body = sign(json.dumps(fresh(later="field")).encode())
    assert code_of(json.dumps({**body, "new": 1}).encode()) == "accepted"


def test_padded_base64url_is_understood() -> None:
    envelope = sign(json.dumps(fresh()).encode())
    envelope["p"] += "=" * (-len(envelope["p"]) % 4)
    envelope["sigs"][0]["s"] += "=="
    assert code_of(json.dumps(envelope).encode()) == "accepted"


def test_a_message_of_exactly_64_kib_is_not_too_large() -> None:
    raw = signed(fresh())
    assert code_of(raw + b" " * ((64 << 10) - len(raw))) == "accepted"
    assert code_of(raw + b" " * ((64 << 10) - len(raw) + 1)) == "too_large"


MALFORMED: dict[str, bytes] = {
    "nothing": b"",
    "text": b"start!",
    "not utf-8": b"\xff\xfe{}",
    "a list": b"[]",
    "deep": b"[" * 60_000,
    "deep object": b'{"a":' * 10_000,
    "nan": b'{"pt":"eb/1/cmd","p":NaN,"sigs":[]}',
    "no pt": json.dumps({**sign(b"{}"), "pt": None}).encode(),
    "pt of desired": json.dumps(sign(json.dumps(fresh()).encode(), pt="eb/1/desired")).encode(),
    "no p": b'{"pt":"eb/1/cmd","sigs":[]}',
    "p not base64": json.dumps({**sign(b"{}"), "p": "!!"}).encode(),
    "p not ascii": json.dumps({**sign(b"{}"), "p": "é"}).encode(),
    "no signatures": json.dumps({**sign(b"{}"), "sigs": []}).encode(),
    "too many signatures": json.dumps({**sign(b"{}"), "sigs": sign(b"{}")["sigs"] * 9}).encode(),
    "signature of numbers": json.dumps({**sign(b"{}"), "sigs": [{"kid": 1, "alg": 2, "s": 3}]}).encode(),
    "payload not json": json.dumps(sign(b"start")).encode(),
    "payload a list": json.dumps(sign(b"[]")).encode(),
    "payload without op": signed(fresh(op=None)),
    "op a number": signed({**fresh(), "op": 5}),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_what_does_not_parse_is_malformed(name: str) -> None:
    assert code_of(MALFORMED[name]) == "malformed"


@pytest.mark.parametrize(
    "changes",
    [
        {"id": 5},
        {"id": "no spaces"},
        {"id": "x" * 65},
        {"ctr": None},
        {"ctr": "1"},
        {"ctr": True},
        {"ctr": -1},
        {"ctr": 1 << 53},
        {"ctr": 1.5},
        {"args": [1]},
        {"by": 5},
        {"by": "x" * 129},
        {"iat": None},
        {"exp": "soon"},
        {"if_rev": "x"},
        {"chal": 7},
    ],
)
def test_a_signed_command_with_a_wrong_field_is_malformed(changes: dict[str, Any]) -> None:
    body = {name: value for name, value in {**fresh(), **changes}.items() if value is not None}
    assert code_of(signed(body)) == "malformed"


def test_an_order_of_checks_first_failing_wins() -> None:
    """From everything wrong to nothing wrong, one repair a step."""
    ended = Ring(trust(ops=("record.*",), not_after_s=NOW_S - 1))
    narrow = Ring(trust(ops=("record.*",)))
    broken: dict[str, Any] = {"box": "other", "v": 2, "exp": NOW_S - 1, "iat": NOW_S - 60}
    assert code_of(b" " * 70_000, ring=Ring()) == "too_large"
    assert code_of(b"{", ring=Ring()) == "malformed"
    assert code_of(signed(fresh(**broken), key=STRANGER), ring=Ring()) == "unknown_key"
    assert code_of(signed(fresh(**broken), key=STRANGER), ring=ended) == "key_expired"
    assert code_of(signed(fresh(**broken), key=STRANGER), ring=narrow) == "forbidden"
    assert code_of(signed(fresh(**broken), key=STRANGER)) == "bad_signature"
    assert code_of(signed(fresh(**broken))) == "wrong_box"
    assert code_of(signed(fresh(**{**broken, "box": BOX}))) == "unknown_version"
    assert code_of(signed(fresh("system.reset", iat=NOW_S - 60, exp=NOW_S - 1))) == "expired"
    assert code_of(signed(fresh("system.reset"))) == "challenge_needed"
    assert code_of(signed(fresh("system.reset", chal="CHAL"))) == "accepted"


def test_a_key_for_other_boxes_is_forbidden() -> None:
    assert code_of(signed(fresh()), ring=Ring(trust(boxes=("box-x*",)))) == "forbidden"


def test_another_algorithm_is_a_bad_signature() -> None:
    envelope = sign(json.dumps(fresh()).encode())
    envelope["sigs"][0]["alg"] = "none"
    assert code_of(json.dumps(envelope).encode()) == "bad_signature"


def test_one_good_signature_among_several_is_enough() -> None:
    envelope = sign(json.dumps(fresh()).encode())
    unknown = {"kid": "ctl-unknown", "alg": "ed25519", "s": "AAAA"}
    envelope["sigs"] = [unknown, {**envelope["sigs"][0], "s": "AAAA"}, *envelope["sigs"]]
    assert code_of(json.dumps(envelope).encode()) == "accepted"


@pytest.mark.parametrize(
    ("iat", "exp", "code"),
    [
        (120, 180, "accepted"),
        (121, 180, "expired"),
        (-60, 0, "accepted"),
        (-60, -1, "expired"),
        (0, 86_400, "accepted"),
        (0, 86_401, "expired"),
        (10, 5, "expired"),
    ],
)
def test_freshness_has_sharp_borders(iat: int, exp: int, code: str) -> None:
    assert code_of(signed(fresh(iat=NOW_S + iat, exp=NOW_S + exp))) == code


def test_without_a_clock_the_challenge_stands_for_time() -> None:
    long_ago = {"iat": 1000, "exp": 1060}
    assert code_of(signed(fresh(**long_ago)), situation=UNSYNCED) == "challenge_needed"
    assert code_of(signed(fresh(**long_ago, chal="OLD")), situation=UNSYNCED) == "challenge_needed"
    assert code_of(signed(fresh(**long_ago, chal="\u00e9")), situation=UNSYNCED) == "challenge_needed"
    assert code_of(signed(fresh(**long_ago, chal="CHAL")), situation=UNSYNCED) == "accepted"


@pytest.mark.parametrize(
    "op", ["update.apply", "system.reset", "keys.set", "network.set", "record.delete", "mask.set", "mask.unmask"]
)
def test_grave_operations_are_sensitive(op: str) -> None:
    assert is_sensitive(op)
    assert not is_sensitive("stream.start")


@pytest.mark.parametrize(
    ("op", "judged", "chal", "code"),
    [
        ("mask.set", False, None, "accepted"),
        ("mask.set", True, None, "challenge_needed"),
        ("mask.set", True, "OLD", "challenge_needed"),
        ("mask.set", True, "CHAL", "accepted"),
        ("mask.set", None, None, "challenge_needed"),
        ("preset.set", False, None, "accepted"),
        ("stream.start", True, None, "challenge_needed"),
        ("stream.start", None, None, "accepted"),
    ],
)
def test_operation_that_judges_its_arguments_goes_before_its_name(
    op: str, judged: bool | None, chal: str | None, code: str
) -> None:
    verdict = examine(signed(fresh(op, chal=chal)), keyring=RING, situation=SYNCED, judge=lambda op, args: judged)
    assert (verdict.code if isinstance(verdict, Refused) else "accepted") == code
    if isinstance(verdict, Accepted):
        assert verdict.present is (chal == "CHAL")


def test_without_a_clock_no_judgement_spares_the_challenge() -> None:
    verdict = examine(signed(fresh("mask.set")), keyring=RING, situation=UNSYNCED, judge=lambda op, args: False)
    assert isinstance(verdict, Refused)
    assert verdict.code == "challenge_needed"


def test_a_refusal_names_the_command_where_it_can() -> None:
    body = fresh()
    verdict = examine(signed(body, key=STRANGER), keyring=RING, situation=SYNCED)
    assert isinstance(verdict, Refused)
    assert (verdict.id, verdict.op, verdict.signed) == (body["id"], "stream.start", False)


ORDER = Order(id="i", ctr=5, op="stream.start", args={}, by="", iat_ms=0, exp_ms=1, if_rev=10)
FITS = Memory(last_ctr=4, rev_first=8, rev_last=12, knows_op=True)


@pytest.mark.parametrize(
    ("memory", "code"),
    [
        (FITS, None),
        (Memory(None, 10, 10, knows_op=True), None),
        (Memory(5, 99, 99, knows_op=False, lane_full=True), "stale"),
        (Memory(6, 8, 12, knows_op=True), "stale"),
        (Memory(4, 11, 12, knows_op=False, lane_full=True), "rev_mismatch"),
        (Memory(4, 8, 9, knows_op=True), "rev_mismatch"),
        (Memory(4, 8, 12, knows_op=False, lane_full=True), "unknown_operation"),
        (Memory(4, 8, 12, knows_op=True, lane_full=True), "busy"),
    ],
)
def test_what_is_remembered_decides_in_order(memory: Memory, code: str | None) -> None:
    refused = remember(ORDER, memory)
    assert (refused.code if refused else None) == code


@given(st.binary(max_size=300))
def test_random_bytes_are_never_accepted_and_never_raise(raw: bytes) -> None:
    assert code_of(raw) != "accepted"


GOOD = signed(fresh())


@given(st.data())
def test_a_changed_byte_is_never_another_command(data: st.DataObject) -> None:
    raw = bytearray(GOOD)
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    verdict = examine(bytes(raw), keyring=RING, situation=SYNCED)
    if isinstance(verdict, Accepted):  # only what is not signed may differ: white space, padding, unknown names
        good = examine(GOOD, keyring=RING, situation=SYNCED)
        assert verdict == good


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=10,
)


@given(field=st.sampled_from(["pt", "p", "sigs"]), value=JSON)
def test_an_envelope_with_a_strange_field_never_runs_and_never_raises(field: str, value: Any) -> None:
    raw = json.dumps({**sign(json.dumps(fresh()).encode()), field: value}).encode()
    assert code_of(raw) != "accepted"


@given(field=st.sampled_from(["kid", "alg", "s"]), value=JSON)
def test_a_signature_with_a_strange_field_never_runs_and_never_raises(field: str, value: Any) -> None:
    envelope = sign(json.dumps(fresh()).encode())
    envelope["sigs"][0][field] = value
    assert code_of(json.dumps(envelope).encode()) != "accepted"


@given(field=st.sampled_from(sorted(fresh())), value=JSON)
def test_a_changed_payload_under_the_old_signature_never_runs(field: str, value: Any) -> None:
    body = fresh()
    envelope = sign(json.dumps(body).encode())
    changed = {**body, field: value}
    if changed == body:
        return
    payload = base64.urlsafe_b64encode(json.dumps(changed).encode()).decode()
    assert code_of(json.dumps({**envelope, "p": payload}).encode()) != "accepted"


@given(field=st.sampled_from(sorted(fresh())), value=JSON)
def test_a_signed_payload_with_a_strange_field_never_raises(field: str, value: Any) -> None:
    assert code_of(signed({**fresh(), field: value})) in (
        *("accepted", "malformed", "wrong_box", "unknown_version", "expired", "challenge_needed"),
    )
