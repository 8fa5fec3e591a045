"""Bytes that somebody who holds the broker may send: named, each with the code that the contract has for it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

from tests.mqtt_orders import KEY, KID, STRANGER, order, sign, signed

NARROW, ENDED = "ctl-narrow", "ctl-ended"
_NOBODY = "ctl-nobody"


def envelopes(box: str, now_s: int) -> Mapping[str, tuple[bytes, str]]:
    """By name: bytes and code of the refusal. The box trusts KID; NARROW for `record.*`; ENDED until long ago."""

    def body(**changes: Any) -> dict[str, Any]:
        return {**order(box, "stream.start", {"sink": "srt"}, iat=now_s, exp=now_s + 60), **changes}

    return {
        **_unreadable_bytes(body()),
        **_unreadable_envelopes(body()),
        **_unreadable_payloads(body),
        **_signatures(body),
        **_changed(body, _fields(body()["box"])),
        **_changed(body, _times_and_challenges(now_s)),
    }


def _unreadable_bytes(body: dict[str, Any]) -> dict[str, tuple[bytes, str]]:
    text = json.dumps(sign(json.dumps(body).encode())).encode()
    found = {
        "nothing": b"",
        "one byte": b"{",
        "nul": b"\x00",
        "nul inside": text.replace(b'"pt"', b'"p\x00t"'),
        "not utf-8": text.replace(b"eb/1/cmd", b"eb/1/cm\xff"),
        "utf-8 of a surrogate": text.replace(b"eb/1/cmd", b"eb/1/cm\xed\xa0\x80"),
        "utf-16": text.decode().encode("utf-16"),
        "byte order mark": b"\xef\xbb\xbf" + text,
        "cut off": text[:-1],
        "twice": text + text,
        "list": b"[" + text + b"]",
        "text in text": json.dumps(text.decode()).encode(),
        "depth": b"[" * 60_000,
        "depth of objects": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
        "depth beside": text[:-1] + b',"x":' + b"[" * 25_000 + b"]" * 25_000 + b"}",
        "integer without end": text[:-1] + b',"x":' + b"9" * 50_000 + b"}",
        "number too large": text[:-1] + b',"x":1e999}',
        "not a number": text[:-1] + b',"x":NaN}',
        "name twice": text[:-1] + b',"pt":"eb/1/cmd"}',
    }
    return {
        **{name: (raw, "malformed") for name, raw in found.items()},
        "64 KiB and one": (text + b" " * ((64 << 10) + 1 - len(text)), "too_large"),
    }


def _unreadable_envelopes(body: dict[str, Any]) -> dict[str, tuple[bytes, str]]:
    good = sign(json.dumps(body).encode())
    p, signature = good["p"], good["sigs"][0]

    def without(name: str) -> dict[str, Any]:
        return {key: value for key, value in good.items() if key != name}

    found = {
        "another type": {**good, "pt": "eb/1/desired"},
        "type in capitals": {**good, "pt": "EB/1/CMD"},
        "p missing": without("p"),
        "p null": {**good, "p": None},
        "p of numbers": {**good, "p": [1, 2]},
        "p empty": {**good, "p": ""},
        "p with a line end": {**good, "p": p[:20] + "\n" + p[20:]},
        "p padded inside": {**good, "p": p[:20] + "=" + p[20:]},
        "p of an impossible length": {**good, "p": p[: len(p) // 4 * 4 + 1 - 4]},
        "p as plain text": {**good, "p": json.dumps(body)},
        "sigs missing": without("sigs"),
        "sigs an object": {**good, "sigs": signature},
        "no signature": {**good, "sigs": []},
        "1000 signatures": {**good, "sigs": [{"kid": "a", "alg": "b", "s": ""}] * 1000},
        "signature null": {**good, "sigs": [None]},
        "kid null": {**good, "sigs": [{**signature, "kid": None}]},
        "kid without end": {**good, "sigs": [{**signature, "kid": "k" * 10_000}]},
        "s of numbers": {**good, "sigs": [{**signature, "s": 5}]},
    }
    return {name: (json.dumps(envelope).encode(), "malformed") for name, envelope in found.items()}


def _unreadable_payloads(body: Any) -> dict[str, tuple[bytes, str]]:
    def raw(payload: bytes) -> bytes:
        return json.dumps(sign(payload)).encode()

    text = json.dumps(body()).encode()
    found = {
        "payload nothing": raw(b""),
        "payload a list": raw(b"[]"),
        "payload a number": raw(b"5"),
        "payload not utf-8": raw(text.replace(b"srt", b"sr\xff")),
        "payload with a name twice": raw(text[:-1] + b',"op":"stream.stop"}'),
        "payload with a name twice inside": raw(text.replace(b'{"sink": "srt"}', b'{"sink": "srt", "sink": "x"}')),
        "payload with a depth": raw(text.replace(b'"srt"', b"[" * 20_000 + b"]" * 20_000)),
        "payload with an integer without end": raw(text.replace(b'"srt"', b"9" * 20_000)),
        "payload with infinity": raw(text.replace(b'"srt"', b"1e999")),
        "op missing": signed({k: v for k, v in body().items() if k != "op"}),
        "op with nul": signed(body(op="stream\x00.start")),
        "op with a surrogate": signed(body(op="\ud800")),
        "op a pattern": signed(body(op="*")),
        "op without end": signed(body(op="x" * 5000)),
        "op a list": signed(body(op=["stream.start"])),
    }
    return {name: (envelope, "malformed") for name, envelope in found.items()}


def _signatures(body: Any) -> dict[str, tuple[bytes, str]]:
    payload = json.dumps(body()).encode()
    good = sign(payload)

    def with_signature(**changes: Any) -> bytes:
        return json.dumps({**good, "sigs": [{**good["sigs"][0], **changes}]}).encode()

    public = KEY.public_key().public_bytes_raw()
    mac = hmac.digest(public, b"DSSEv1 8 eb/1/cmd %d %b" % (len(payload), payload), hashlib.sha256)
    found = {
        "unknown kid": (signed(body(), kid=_NOBODY), "unknown_key"),
        "kid empty": (with_signature(kid=""), "unknown_key"),
        "kid half a character": (with_signature(kid="\ud800"), "malformed"),
        "kid with nul": (with_signature(kid=f"{KID}\x00"), "unknown_key"),
        "kid a pattern": (with_signature(kid="*"), "unknown_key"),
        "key that ended": (signed(body(), kid=ENDED), "key_expired"),
        "kid of one that may less": (signed(body(), kid=NARROW), "forbidden"),
        "stranger's": (signed(body(), key=STRANGER), "bad_signature"),
        "kid of one, signature of another": (signed(body(), key=STRANGER, kid=KID), "bad_signature"),
        "of another payload": (
            json.dumps({**good, "p": sign(json.dumps(body()).encode())["p"]}).encode(),
            "bad_signature",
        ),
        "made for a desired document": (
            json.dumps({**sign(payload, pt="eb/1/desired"), "pt": "eb/1/cmd"}).encode(),
            "bad_signature",
        ),
        "without the encoding": (with_signature(s=_url64(KEY.sign(payload))), "bad_signature"),
        "over the base64": (with_signature(s=_url64(KEY.sign(good["p"].encode()))), "bad_signature"),
        "empty": (with_signature(s=""), "bad_signature"),
        "zeros": (with_signature(s=_url64(bytes(64))), "bad_signature"),
        "too long": (with_signature(s=good["sigs"][0]["s"] + "AAAA"), "bad_signature"),
        "an hmac with the public key": (with_signature(alg="hs256", s=_url64(mac)), "bad_signature"),
    }
    for alg in ("none", "", "Ed25519", "ed25519ph", "ES256", "\U0001f600"):
        found[f"alg {alg!a}"] = (with_signature(alg=alg), "bad_signature")
    return {f"signature {name}": one for name, one in found.items()}


def _changed(body: Any, changes: dict[str, tuple[dict[str, Any], str]]) -> dict[str, tuple[bytes, str]]:
    """Well signed."""
    return {name: (signed(body(**changed)), code) for name, (changed, code) in changes.items()}


def _fields(box: str) -> dict[str, tuple[dict[str, Any], str]]:
    return {
        "box another": ({"box": "box-another1"}, "wrong_box"),
        "box empty": ({"box": ""}, "wrong_box"),
        "box null": ({"box": None}, "wrong_box"),
        "box a list": ({"box": [box]}, "wrong_box"),
        "box a pattern": ({"box": "*"}, "wrong_box"),
        "box with a blank": ({"box": box + " "}, "wrong_box"),
        "box in capitals": ({"box": box.upper()}, "wrong_box"),
        "v 2": ({"v": 2}, "unknown_version"),
        "v text": ({"v": "1"}, "unknown_version"),
        "v true": ({"v": True}, "unknown_version"),
        "v null": ({"v": None}, "unknown_version"),
        "id null": ({"id": None}, "malformed"),
        "id empty": ({"id": ""}, "malformed"),
        "id with nul": ({"id": "a\x00"}, "malformed"),
        "id with a line end": ({"id": "abc\n"}, "malformed"),
        "id without end": ({"id": "a" * 65}, "malformed"),
        "ctr 2^53": ({"ctr": 1 << 53}, "malformed"),
        "ctr 2^64": ({"ctr": 1 << 64}, "malformed"),
        "ctr negative": ({"ctr": -1}, "malformed"),
        "ctr a fraction": ({"ctr": 5.0}, "malformed"),
        "ctr text": ({"ctr": "5"}, "malformed"),
        "ctr true": ({"ctr": True}, "malformed"),
        "args a list": ({"args": []}, "malformed"),
        "args null": ({"args": None}, "malformed"),
        "by a list": ({"by": []}, "malformed"),
        "by without end": ({"by": "x" * 129}, "malformed"),
        "chal a number": ({"chal": 0}, "malformed"),
        "if_rev text": ({"if_rev": "1"}, "malformed"),
        "if_rev negative": ({"if_rev": -1}, "malformed"),
    }


def _times_and_challenges(now_s: int) -> dict[str, tuple[dict[str, Any], str]]:
    us, ns = now_s * 1_000_000, now_s * 1_000_000_000
    return {
        "expired": ({"iat": now_s - 100, "exp": now_s - 40}, "expired"),
        "expired, in ms": ({"iat": 1000 * (now_s - 100), "exp": 1000 * (now_s - 40)}, "expired"),
        "from the future": ({"iat": now_s + 86_400, "exp": now_s + 86_460}, "expired"),
        "for two days": ({"exp": now_s + 2 * 86_400}, "expired"),
        "ended before it began": ({"iat": now_s + 60, "exp": now_s}, "expired"),
        "exp in us": ({"exp": us}, "expired"),
        "exp in ns": ({"exp": ns}, "malformed"),
        "exp null": ({"exp": None}, "malformed"),
        "iat in us": ({"iat": us, "exp": us}, "expired"),
        "iat zero": ({"iat": 0}, "expired"),
        "iat and exp zero": ({"iat": 0, "exp": 0}, "expired"),
        "reset without challenge": ({"op": "system.reset"}, "challenge_needed"),
        "reset with a wrong challenge": ({"op": "system.reset", "chal": "AAAA"}, "challenge_needed"),
        "reset with an empty challenge": ({"op": "system.reset", "chal": ""}, "challenge_needed"),
        "reset with half a character": ({"op": "system.reset", "chal": "\ud800"}, "malformed"),
        "args with half a character": ({"args": {"\udc00": 1}}, "malformed"),
    }


def _url64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
