from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.model.errors import Invalid
from edge.rtc.viewer_message import (
    MAX_BYTES,
    Heard,
    Ping,
    Unknown,
    ViewerFigures,
    error,
    hello,
    notice,
    pong,
    read,
)

LIVE = {"v": 1, "t": "report", "live": True}
BLIND = {"v": 1, "t": "report", "live": False, "reason": "old"}
FULL = {
    **LIVE,
    "p50_ms": 60,
    "p95_ms": 90.5,
    "uncertainty_ms": 1.5,
    "age_ms": 70,
    "playout_ms": 12,
    "frozen": 3,
    "decoder": "FFmpeg (fallback)",
    "source": "sei",
}


@pytest.mark.parametrize(
    ("message", "heard"),
    [
        ({"v": 1, "t": "ping", "id": 7, "ts": 1234.5}, Ping(7, 1234.5)),
        ({"v": 1, "t": "ping", "id": 0, "ts": 0, "later": [1]}, Ping(0, 0.0)),
        (LIVE, ViewerFigures(live=True)),
        (BLIND, ViewerFigures(live=False, reason="old")),
        (
            FULL,
            ViewerFigures(
                live=True,
                p50_ms=60,
                p95_ms=90.5,
                uncertainty_ms=1.5,
                age_ms=70,
                playout_ms=12,
                frozen=3,
                decoder="FFmpeg (fallback)",
                source="sei",
            ),
        ),
        ({**LIVE, "p50_ms": None, "p95_ms": None, "decoder": None}, ViewerFigures(live=True)),
        ({"v": 1, "t": "pointer", "x": 0.5}, Unknown("pointer")),
        ({"v": 1, "t": "draw"}, Unknown("draw")),
        ({"v": 1, "t": "hello"}, Unknown("hello")),  # the box's own: a viewer has nothing to say with it
    ],
)
def test_a_message_is_read_as_it_was_meant(message: dict[str, Any], heard: Heard) -> None:
    assert read(json.dumps(message)) == heard


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("", "not_json", "not JSON"),
        ("hello", "not_json", "not JSON"),
        ('{"v":1,"t":"ping","id":1,"ts":NaN}', "not_json", "not JSON"),
        ("[" * 4000, "not_json", "not JSON"),
        ("[1]", "not_json", "not a JSON object"),
        ("null", "not_json", "not a JSON object"),
        (b'{"v":1,"t":"ping","id":1,"ts":1}', "not_json", "binary"),
        (b"\xff" * 9000, "not_json", "binary"),
        ('{"v":1}' + " " * MAX_BYTES, "too_large", "over 4096 bytes"),
        ('{"v":1,"t":"' + "\u00e9" * 2100 + '"}', "too_large", "over 4096 bytes"),
        ("{}", "wrong_version", "version 1"),
        ('{"v":2,"t":"ping","id":1,"ts":1}', "wrong_version", "version 1"),
        ('{"v":true,"t":"ping","id":1,"ts":1}', "wrong_version", "version 1"),
        ('{"v":"1","t":"ping","id":1,"ts":1}', "wrong_version", "version 1"),
        ('{"v":1}', "invalid", "t: must name"),
        ('{"v":1,"t":7}', "invalid", "t: must name"),
        ('{"v":1,"t":"<b>"}', "invalid", "t: must name"),
        ('{"v":1,"t":"ping","ts":1}', "invalid", "id: must be a whole number"),
        ('{"v":1,"t":"ping","id":1.5,"ts":1}', "invalid", "id: must be a whole number"),
        ('{"v":1,"t":"ping","id":true,"ts":1}', "invalid", "id: must be a whole number"),
        ('{"v":1,"t":"ping","id":-1,"ts":1}', "invalid", "id: must be a whole number"),
        ('{"v":1,"t":"ping","id":' + "9" * 4000 + ',"ts":1}', "invalid", "id: must be a whole number"),
        ('{"v":1,"t":"ping","id":1}', "invalid", "ts: is missing"),
        ('{"v":1,"t":"ping","id":1,"ts":"1"}', "invalid", "ts: must be a number"),
        ('{"v":1,"t":"ping","id":1,"ts":1e999}', "invalid", "ts: must be a number"),
    ],
)
def test_a_bad_message_is_refused_by_name(text: str | bytes, code: str, said: str) -> None:
    with pytest.raises(Invalid, match=said) as caught:
        read(text)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ({"v": 1, "t": "report"}, "live: must be"),
        ({**LIVE, "live": 1}, "live: must be"),
        ({**LIVE, "reason": "old"}, "reason: must be there when live is false"),
        ({**BLIND, "reason": ""}, "reason: must be there when live is false"),
        ({**BLIND, "reason": "<script>"}, "reason: must match"),
        ({**BLIND, "reason": 5}, "reason: must match"),
        ({**LIVE, "p50_ms": 60}, "come together"),
        ({**LIVE, "p95_ms": 60}, "come together"),
        ({**LIVE, "p50_ms": 60, "p95_ms": 59}, "p95_ms: must be a number from 60"),
        ({**LIVE, "p50_ms": -1, "p95_ms": 5}, "p50_ms: must be a number from 0"),
        ({**LIVE, "p50_ms": True, "p95_ms": 5}, "p50_ms: must be"),
        ({**LIVE, "age_ms": 600_001}, "age_ms: must be"),
        ({**LIVE, "uncertainty_ms": [1]}, "uncertainty_ms: must be"),
        ({**LIVE, "frozen": 0.5}, "frozen: must be a whole number"),
        ({**LIVE, "decoder": "x" * 65}, "decoder: must match"),
        ({**LIVE, "decoder": "line\nbreak"}, "decoder: must match"),
        ({**LIVE, "source": "SEI"}, "source: must match"),
    ],
)
def test_bad_figures_are_refused_by_name(message: dict[str, Any], said: str) -> None:
    with pytest.raises(Invalid, match=said) as caught:
        read(json.dumps(message))
    assert caught.value.code == "invalid"


def test_what_the_box_says_has_the_form_of_the_contract() -> None:
    assert json.loads(hello(session="s1", rung="main", role="guide", version="1.2.3")) == {
        "v": 1,
        "t": "hello",
        "session": "s1",
        "rung": "main",
        "role": "guide",
        "version": "1.2.3",
    }
    ns = 1_767_225_600_123_456_789
    assert json.loads(pong(Ping(3, 0.25), received_ns=ns, sent_ns=ns + 1, map_us=1000, utc_us=None)) == {
        "v": 1,
        "t": "pong",
        "id": 3,
        "ts": 0.25,
        "rx": "1767225600123456789",
        "tx": "1767225600123456790",
        "map_us": 1000,
        "utc_us": None,
    }
    assert json.loads(notice("picture", live=False)) == {"v": 1, "t": "notice", "code": "picture", "live": False}
    assert json.loads(error("invalid", "no")) == {"v": 1, "t": "error", "code": "invalid", "detail": "no"}


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)
_NEAR = st.dictionaries(st.sampled_from([*FULL, "id", "ts"]), _JSON).map(
    lambda fields: {"v": 1, "t": "report", "live": True, **fields}
)


@given(st.text() | st.binary() | _JSON.map(json.dumps) | _NEAR.map(json.dumps))
def test_nothing_but_invalid_is_ever_raised(text: str | bytes) -> None:
    with contextlib.suppress(Invalid):
        assert isinstance(read(text), Ping | ViewerFigures | Unknown)
