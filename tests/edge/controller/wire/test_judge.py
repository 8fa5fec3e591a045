from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from edge.controller.wire.channels import CHANNELS, channel_of
from edge.controller.wire.judge import breaches
from tests.mqtt_orders import order, sign, signed

BOX = "box-aabbcc"
UUID = "0b1c2d3e-4f50-4a6b-8c7d-9e0f1a2b3c4d"
UUID7 = "019b7f3e-8a00-7abc-9def-0123456789ab"
CHAL = "AAECAwQFBgcICQoLDA0ODw=="
LETTER = {
    "v": 1,
    "epoch": UUID,
    "boot": UUID,
    "eseq": 7,
    "id": UUID7,
    "mono_ms": 1,
    "ts": 1,
    "clk": "sync",
    "sev": 1,
    "code": "ok",
    "data": {},
}
GOOD: dict[str, dict[str, Any]] = {
    "link": {
        "v": 1,
        "state": "online",
        "boot": UUID,
        "sess": 1,
        "ts": 1,
        "clk": "sync",
        "chal": CHAL,
        "sw": "1",
        "slot": "A",
        "proto": ["eb/1"],
    },
    "state": {
        "v": 1,
        "rev": 1,
        "boot": UUID,
        "sess": 1,
        "desired_rev": 0,
        "desired_status": "applied",
        "errors": [{"path": "/sinks/srt/latency_ms", "code": "range"}],
        "health": "ok",
        "signal": {"state": "locked"},
    },
    "tele/health": {"v": 1, "boot": UUID, "n": 1, "mono_ms": 1, "ts": 1, "m": {"cpu": 41.2, "rss_mb": 310}},
    "tele/stream": {"v": 1, "boot": UUID, "n": 1, "mono_ms": 1, "ts": 1, "m": {}},
    "evt": {**LETTER, "kind": "alarm", "state": "raised"},
    "res": {**LETTER, "kind": "res", "cmd": {"id": "an-id", "st": "done", "code": "ok", "op": "a.b"}},
    "ack": {"epoch": UUID, "eseq": 0},
    "cmd": sign(json.dumps(order(BOX, "a.b", chal=CHAL, if_rev=1)).encode()),
    "desired": sign(
        json.dumps({"v": 1, "box": BOX, "rev": 1, "by": "me", "iat": 1, "sinks": {}}).encode(), pt="eb/1/desired"
    ),
}


def judged(leaf: str, body: Mapping[str, Any] | bytes, **how: Any) -> list[str]:
    payload = body if isinstance(body, bytes) else json.dumps(body).encode()
    return breaches(f"eb/1/{BOX}/{leaf}", payload, **how)


@pytest.mark.parametrize("leaf", GOOD)
def test_a_good_message_has_no_breach(leaf: str) -> None:
    channel = channel_of(f"eb/1/{BOX}/{leaf}")
    assert channel is not None
    assert judged(leaf, GOOD[leaf], qos=channel.qos, retain=channel.retain) == []


def test_every_topic_of_the_contract_is_judged_here() -> None:
    leaves = {channel.address.removeprefix("eb/1/{box}/") for channel in CHANNELS}
    assert leaves == {*GOOD, "eb/1/_ctl/{controller}"}


@pytest.mark.parametrize("leaf", GOOD)
def test_fields_that_nobody_knows_are_skipped(leaf: str) -> None:
    assert judged(leaf, {**GOOD[leaf], "new": {"in": ["later", "versions"]}}) == []


def required(leaf: str) -> list[str]:
    optional = {"signal", "errors"} if leaf != "state" else {"signal"}
    return [name for name in GOOD[leaf] if name not in optional]


@pytest.mark.parametrize(("leaf", "name"), [(leaf, name) for leaf in GOOD for name in required(leaf)])
def test_a_message_without_one_of_its_fields_is_refused(leaf: str, name: str) -> None:
    body = {key: value for key, value in GOOD[leaf].items() if key != name}
    assert judged(leaf, body) != []


@pytest.mark.parametrize(
    ("leaf", "change", "says"),
    [
        ("link", {"v": 2}, "v: "),
        ("link", {"state": "here"}, "state: "),
        ("link", {"sess": True}, "sess: "),
        ("link", {"sess": 1.0}, "sess: "),
        ("link", {"chal": "AAAA"}, "chal: "),
        ("link", {"ts": 1 << 53}, "ts: "),
        ("state", {"health": "fine"}, "health: "),
        ("state", {"errors": [{"path": "sinks", "code": "x"}]}, "errors.0.path: "),
        ("state", {"pad": "x" * 17_000}, "at most 16384"),
        ("tele/health", {"m": {"cpu": "41"}}, "m.cpu"),
        ("tele/health", {"m": {"on": True}}, "m.on"),
        ("evt", {"state": None}, "alarms are raised or cleared"),
        ("evt", {"kind": "life"}, "alarms are raised or cleared"),
        ("evt", {"kind": "res"}, "kind: "),
        ("evt", {"eseq": 0}, "eseq: "),
        ("evt", {"id": UUID}, "id: "),
        ("evt", {"sev": 4}, "sev: "),
        ("res", {"cmd": {"id": "x", "st": "started", "code": "ok"}}, "cmd.st: "),
        ("res", {"cmd": {"id": "x", "st": "running", "code": "ok", "pct": 101}}, "cmd.pct: "),
        ("ack", {"eseq": -1}, "eseq: "),
        ("cmd", {"pt": "eb/1/desired"}, "pt: "),
        ("cmd", {"sigs": []}, "sigs: "),
        ("cmd", {"p": "%%%"}, "p: "),
        ("cmd", {"p": "AAAA"}, "not JSON"),
    ],
)
def test_a_wrong_value_is_refused_by_name(leaf: str, change: dict[str, Any], says: str) -> None:
    assert says in " / ".join(judged(leaf, {**GOOD[leaf], **change}))


@pytest.mark.parametrize("payload", [b"", b"{", b"[]", b"\xff", b'{"v": NaN}', b"null"])
def test_what_is_no_object_is_refused(payload: bytes) -> None:
    assert judged("evt", payload) != []


def test_what_is_signed_is_judged_too_and_must_be_for_that_box() -> None:
    assert judged("cmd", signed(order("box-other", "a.b"))) == ["p: box: box-other is another one than the topic's"]
    assert any("p: ctr" in line for line in judged("cmd", signed(order(BOX, "a.b", ctr=-1))))


@pytest.mark.parametrize(
    ("leaf", "how", "says"),
    [
        ("link", {"retain": False}, "must be retained"),
        ("evt", {"retain": True}, "may not be retained"),
        ("cmd", {"qos": 0}, "QoS 0, must be 1"),
        ("tele/health", {"qos": 1}, "QoS 1, must be 0"),
    ],
)
def test_how_it_was_sent_is_judged(leaf: str, how: dict[str, Any], says: str) -> None:
    assert judged(leaf, GOOD[leaf], **how) == [says]


def test_an_empty_retained_message_only_clears_a_topic() -> None:
    assert judged("desired", b"", retain=True) == []


@pytest.mark.parametrize("topic", ["eb/1/box-a/nope", "eb/2/box-aabbcc/link", "eb/1//link", "eb/1/_ctl/", "x"])
def test_a_topic_that_the_contract_does_not_have_is_refused(topic: str) -> None:
    assert breaches(topic, b"{}") == ["no such topic in the contract"]


def test_a_controllers_presence_is_judged() -> None:
    assert breaches("eb/1/_ctl/ctl-1", b'{"v": 1, "state": "online", "ts": 5}', qos=1, retain=True) == []
    assert breaches("eb/1/_ctl/ctl-1", b'{"v": 1, "state": "here", "ts": 5}') != []
    assert breaches("eb/1/BOX A/link", json.dumps(GOOD["link"]).encode()) == ["topic: BOX A is no box id"]
