"""Snapshot, readiness, metrics, viewers' reports, the page's files."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest

from edge.ports import Still
from edge.web.health import readiness
from edge.web.metrics import exposition

UTC_NS = 1_767_225_600_000_042_000


async def test_snapshot_tells_when_it_was_captured(web: Any, client: httpx.AsyncClient) -> None:
    web.pictures.current = Still(b"\xff\xd8jpeg", UTC_NS, 1920, 1080, live=True)
    answer = await client.get("/api/v1/snapshot.jpg")
    assert answer.content == b"\xff\xd8jpeg"
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["x-capture-time"] == "2026-01-01T00:00:00.000042Z"
    assert answer.headers["x-live"] == "true"
    assert answer.headers["cache-control"] == "no-store"


async def test_snapshot_is_of_the_input_that_is_asked_for(web: Any, client: httpx.AsyncClient) -> None:
    web.pictures.current = Still(b"\xff\xd8jpeg", UTC_NS, 1920, 1080, live=True)
    assert (await client.get("/api/v1/snapshot.jpg?input=main")).status_code == 200
    answer = await client.get("/api/v1/snapshot.jpg?input=second")
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_input")


async def test_frozen_snapshot_says_so(web: Any, client: httpx.AsyncClient) -> None:
    web.pictures.current = Still(b"\xff\xd8", UTC_NS, 1920, 1080, live=False)
    assert (await client.get("/api/v1/snapshot.jpg")).headers["x-live"] == "false"


async def test_snapshot_without_a_picture_is_a_problem(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/v1/snapshot.jpg")
    assert (answer.status_code, answer.json()["code"]) == (503, "signal_lost")


async def test_healthz_answers_even_with_nothing_known(client: httpx.AsyncClient) -> None:
    assert (await client.get("/healthz")).status_code == 200


@pytest.mark.parametrize(
    ("document", "ready", "code"),
    [
        ({}, False, "starting"),
        ({"signal": {"state": "locked"}, "picture": {"live": True}}, True, "live"),
        ({"signal": {"state": "locked"}, "picture": {"live": False, "reason": "freeze"}}, False, "not_live"),
        ({"signal": {"state": "no_signal"}, "picture": {"live": False}}, True, "idle"),
        ({"signal": {"state": "no_cable"}, "picture": {"live": False}}, True, "idle"),
        ({"signal": {"state": "no_lock"}, "picture": {"live": False}}, False, "no_lock"),
        ({"signal": {"state": "no_device"}, "picture": None}, False, "no_device"),
        (
            {"signal": {"state": "no_cable"}, "health": {"processes": {"media": {"state": "failed"}}}},
            False,
            "media_down",
        ),
    ],
)
def test_readiness_follows_picture_and_input(document: dict[str, Any], ready: bool, code: str) -> None:
    found = readiness(document)
    assert (found.ready, found.code) == (ready, code)


async def test_readyz_is_a_problem_until_the_picture_flows(web: Any, client: httpx.AsyncClient) -> None:
    answer = await client.get("/readyz")
    assert (answer.status_code, answer.json()["code"]) == (503, "starting")
    web.board.put("signal", {"state": "locked"})
    web.board.put("picture", {"live": True})
    assert (await client.get("/readyz")).status_code == 200


RUNG = {"name": "main", "codec": "h264", "target_bps": 8_000_000, "fps": 59.94, "keyframes": None}
INPUT = {
    "name": "main",
    "signal": {"state": "locked", "lock_changes": 2},
    "picture": {"live": True, "age_ms": 12.5, "reason": ""},
    "encoder": {"rungs": [RUNG]},
    "latency": {"stages": {"encode": {"p50": 3500, "p95": 4700, "p99": 5000}, "odd": None}, "box": {"p95": 9000}},
}
DOCUMENT = {
    "inputs": [INPUT, {**INPUT, "name": "second", "picture": {"live": False}}],
    "sinks": [{"name": 'a"b\\c\n', "kind": "srt", "rung": "main", "state": "live", "delivered": 10, "dropped": 1}],
    "viewers": [
        {"session": "s1", "rung": "main", "rtt_ms": 3.5},
        {"session": "s2", "rung": "main", "seen": {"live": False}, "glass_to_glass_ms": {"p50": 62, "p95": 80}},
    ],
    "health": {"cpu_pct": 41.5, "temperature_c": None, "mem_pct": float("nan"), "processes": {"media": {"rss_mb": 2}}},
    "link": {"state": "online"},
    "issues": [{"code": "no_space", "severity": "error"}, "odd"],
    "versions": {"scopecast": "1.2.3"},
}


def test_metrics_show_the_document() -> None:
    lines = exposition(DOCUMENT).splitlines()
    for line in (
        'scopecast_up{version="1.2.3"} 1',
        'scopecast_signal_state{input="main",state="locked"} 1',
        'scopecast_signal_state{input="main",state="no_cable"} 0',
        'scopecast_signal_lock_changes_total{input="main"} 2',
        "# TYPE scopecast_signal_lock_changes_total counter",
        'scopecast_picture_live{input="main"} 1',
        'scopecast_picture_live{input="second"} 0',
        'scopecast_picture_age_seconds{input="main"} 0.0125',
        'scopecast_rung_target_bps{input="main",rung="main",codec="h264"} 8000000',
        'scopecast_sink_dropped_total{sink="a\\"b\\\\c\\n",kind="srt",rung="main"} 1',
        "scopecast_viewers 2",
        'scopecast_viewer_live{session="s2",rung="main"} 0',
        'scopecast_viewer_glass_to_glass_seconds{session="s2",rung="main",quantile="0.95"} 0.08',
        'scopecast_latency_seconds{input="main",stage="encode",quantile="0.95"} 0.0047',
        'scopecast_latency_seconds{input="second",stage="box",quantile="0.95"} 0.009',
        "scopecast_cpu_percent 41.5",
        'scopecast_process_rss_bytes{process="media"} 2097152.0',
        "scopecast_link_up 1",
        'scopecast_issue{code="no_space",severity="error",subject=""} 1',
    ):
        assert line in lines


def test_metrics_leave_out_what_is_unknown() -> None:
    text = exposition(DOCUMENT)
    assert "temperature" not in text
    assert "memory_percent" not in text
    assert "keyframes" not in text
    assert exposition({}).splitlines()[-1] == "scopecast_up 1"


def test_metrics_are_well_formed() -> None:
    sample = re.compile(r'scopecast_[a-z0-9_]+(\{([a-z]+="([^"\\\n]|\\["\\n])*",?)+\})? [-+0-9.e]+')
    lines = exposition(DOCUMENT).splitlines()
    families = [line.split()[2] for line in lines if line.startswith("# TYPE")]
    assert len(families) == len(set(families))
    assert not [line for line in lines if not line.startswith("#") and not sample.fullmatch(line)]


_STATS = {"sent_packets": 900, "lost_packets": 9, "retransmitted_packets": 8, "dropped_packets": 1}
_LINK = {"rtt_ms": 40.5, "queue_ms": 2.0, "backlog_ms": 0.0, "loss": 0.01, "sent_bps": 8_000_000}
_CALLER = {"mode": "caller", "latency_ms": 162, "encrypted": True, "authenticated": False}


def test_metrics_tell_how_an_srt_connection_does() -> None:
    detail = {**_CALLER, "stats": {**_STATS, "send_buffer_ms": 50, "bandwidth_bps": 9}, "link": _LINK}
    lines = exposition({"sinks": [{"name": "out", "kind": "srt", "rung": "main", "detail": detail}]}).splitlines()
    labels = 'sink="out",kind="srt",rung="main",receiver="",user=""'
    for line in (
        f"scopecast_srt_rtt_seconds{{{labels}}} 0.0405",
        f"scopecast_srt_queue_seconds{{{labels}}} 0.002",
        f"scopecast_srt_loss_ratio{{{labels}}} 0.01",
        f"scopecast_srt_buffer_seconds{{{labels}}} 0.05",
        f"scopecast_srt_latency_seconds{{{labels}}} 0.162",
        f"scopecast_srt_bandwidth_bps{{{labels}}} 9",
        f"scopecast_srt_encrypted{{{labels}}} 1",
        f"scopecast_srt_authenticated{{{labels}}} 0",
        f"scopecast_srt_lost_packets_total{{{labels}}} 9",
        f"scopecast_srt_retransmitted_packets_total{{{labels}}} 8",
        f"scopecast_srt_dropped_packets_total{{{labels}}} 1",
    ):
        assert line in lines
    assert not [line for line in lines if "srt_delivered_bps" in line], "what is unknown is left out"


def test_metrics_tell_it_of_each_receiver_of_a_listener() -> None:
    receivers = [
        {"name": "srt/10.0.0.7:5", "user": "ward", "rung": "view", "stats": _STATS, "link": _LINK},
        {"name": "srt/10.0.0.8:5", "user": "", "rung": "main", "stats": _STATS, "link": None},
    ]
    sink = {"name": "srt", "kind": "srt", "rung": "main", "detail": {"rejected": 3, "receivers": receivers}}
    lines = exposition({"sinks": [sink]}).splitlines()
    ward = 'sink="srt",kind="srt",rung="view",receiver="srt/10.0.0.7:5",user="ward"'
    other = 'sink="srt",kind="srt",rung="main",receiver="srt/10.0.0.8:5",user=""'
    assert 'scopecast_srt_rejected_total{sink="srt",kind="srt",rung="main"} 3' in lines
    assert f"scopecast_srt_rtt_seconds{{{ward}}} 0.0405" in lines
    assert f"scopecast_srt_lost_packets_total{{{other}}} 9" in lines
    assert f"scopecast_srt_rtt_seconds{{{other}}}" not in "".join(lines)


def test_metrics_of_an_srt_output_without_a_connection_are_none() -> None:
    for detail in ({}, _CALLER, {"receivers": []}):
        assert "scopecast_srt" not in exposition({"sinks": [{"name": "a", "kind": "srt", "detail": detail}]})


async def test_metrics_have_prometheus_type(client: httpx.AsyncClient) -> None:
    assert (await client.get("/metrics")).headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"


async def test_viewer_report_reaches_the_board_for_15_seconds(web: Any, client: httpx.AsyncClient) -> None:
    body = {"glass_to_glass_ms": {"p50": 43.0, "p95": 60.5}, "playout_ms": 12}
    assert (await client.post("/api/v1/viewers/s1/report", json=body)).status_code == 204
    report = web.board.get("viewer_reports")["s1"]
    assert report["glass_to_glass_ms"] == {"p50": 43.0, "p95": 60.5}
    assert report["playout_ms"] == 12.0
    web.clock.now_ns += 15_000_000_001
    await client.post("/api/v1/viewers/s2/report", json={"glass_to_glass_ms": {"p50": 1, "p95": 2}})
    assert list(web.board.get("viewer_reports")) == ["s2"]


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({}, "glass_to_glass_ms.p50: is missing"),
        ({"glass_to_glass_ms": 4}, "glass_to_glass_ms: must be an object"),
        ({"glass_to_glass_ms": {"p50": "4", "p95": 5}}, "glass_to_glass_ms.p50: must be a number"),
        ({"glass_to_glass_ms": {"p50": True, "p95": 5}}, "glass_to_glass_ms.p50: must be a number"),
        ({"glass_to_glass_ms": {"p50": -1, "p95": 5}}, "glass_to_glass_ms.p50: must be from 0"),
        ({"glass_to_glass_ms": {"p50": 6, "p95": 5}}, "glass_to_glass_ms.p95: must be from 6"),
        ({"glass_to_glass_ms": {"p50": 4, "p95": 5}, "playout_ms": 1e12}, "playout_ms: must be from 0"),
    ],
)
async def test_bad_viewer_report_is_named(web: Any, client: httpx.AsyncClient, body: Any, named: str) -> None:
    answer = await client.post("/api/v1/viewers/s1/report", json=body)
    assert answer.status_code == 400
    assert named in answer.json()["detail"]
    assert web.board.get("viewer_reports") is None


async def test_viewers_that_report_are_bounded(client: httpx.AsyncClient) -> None:
    body = {"glass_to_glass_ms": {"p50": 1, "p95": 2}}
    answers = [await client.post(f"/api/v1/viewers/s{n}/report", json=body) for n in range(65)]
    assert {answer.status_code for answer in answers[:64]} == {204}
    assert (answers[64].status_code, answers[64].json()["code"]) == (409, "busy")


async def test_page_needs_nothing_from_elsewhere(client: httpx.AsyncClient) -> None:
    page = await client.get("/")
    assert page.headers["content-type"].startswith("text/html")
    names = re.findall(r'(?:src|href)="([^"]*)"', page.text)
    assert names
    for name in names:
        assert name.startswith("/page/")
        assert (await client.get(name)).status_code == 200
    assert "<style" not in page.text
    assert " style=" not in page.text
    assert not re.search(r"<script(?![^>]* src=)", page.text)


async def test_unchanged_file_is_not_sent_again(client: httpx.AsyncClient) -> None:
    first = await client.get("/")
    again = await client.get("/", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
