import json
from typing import Any

import pytest

from edge.link.telemetry import Telemetry, is_streaming, stream_numbers
from tests.fakes import FakeClock

DOCUMENT: dict[str, Any] = {
    "encoder": {"rungs": [{"fps": 59.9, "measured_bps": 7_900_000, "target_bps": 8_000_000}]},
    "sinks": [
        {
            "name": "srt",
            "kind": "srt",
            "state": "live",
            "dropped": 3,
            "detail": {
                "receivers": [
                    {"stats": {"rtt_ms": 48, "lost_packets": 1}},
                    {"stats": {"rtt_ms": 20, "lost_packets": 2}},
                ]
            },
        },
        {"name": "webrtc", "kind": "whep", "state": "idle", "dropped": 1},
    ],
    "viewers": [{"session": "a"}],
    "latency": {"box": {"p50": 1, "p95": 21_000}},
}


def test_the_numbers_come_from_the_status_document() -> None:
    assert stream_numbers(DOCUMENT) == {
        "fps": 59.9,
        "bps": 7_900_000,
        "drop": 4,
        "viewers": 1,
        "srt_rtt_ms": 48,
        "srt_lost": 3,
        "box_p95_us": 21_000,
    }


@pytest.mark.parametrize(
    "document",
    [{}, {"encoder": None, "sinks": None, "latency": None}, {"latency": {"box": None}}, {"sinks": [1], "viewers": 2}],
)
def test_what_is_not_known_is_left_out(document: dict[str, Any]) -> None:
    assert stream_numbers(document) == {"drop": 0, "viewers": 0}


@pytest.mark.parametrize(
    ("document", "streaming"),
    [
        (DOCUMENT, True),
        ({}, False),
        ({"sinks": [{"state": "idle"}]}, False),
        ({"sinks": [{"state": "live"}]}, True),
        ({"viewers": [{"session": "a"}]}, True),
    ],
)
def test_streaming_means_a_live_sink_or_a_viewer(document: dict[str, Any], streaming: bool) -> None:
    assert is_streaming(document) is streaming


def test_messages_are_counted_and_dated_by_both_clocks() -> None:
    clock = FakeClock()
    telemetry = Telemetry(boot="b", clock=clock)
    telemetry.stream(DOCUMENT)
    clock.advance(5000)
    body = json.loads(telemetry.stream(DOCUMENT))
    assert (body["v"], body["boot"], body["n"], body["mono_ms"]) == (1, "b", 2, 6000)
    assert body["ts"] == 6000 + 3_600_000


def test_health_numbers_join_the_process_and_the_box() -> None:
    telemetry = Telemetry(boot="b", clock=FakeClock())
    document = {"health": {"status": "ok", "cpu_pct": 12.5, "wired": True}, "issues": [{}, {}]}
    numbers = json.loads(telemetry.health(document))["m"]
    assert numbers.keys() == {"cpu_pct", "cpu", "rss_mb", "load", "issues"}
    assert numbers["cpu_pct"] == 12.5
    assert numbers["issues"] == 2
    assert numbers["rss_mb"] > 5
