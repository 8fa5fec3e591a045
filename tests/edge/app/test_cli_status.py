"""`edge status` and `edge pair` against answers of a box."""

from __future__ import annotations

import json
from typing import Any

import pytest

from edge.app.cli import main
from tests.edge.app.conftest import AnsweringBox

STATUS: dict[str, Any] = {
    "box": {"id": "box-a1b2c3", "name": "box-a1b2c3"},
    "versions": {"scopecast": "0.1.0"},
    "board": {"name": "sim"},
    "signal": {
        "state": "locked",
        "detail": "",
        "lock_changes": 3,
        "last_change_age_s": 300.0,
        "format": {"width": 1280, "height": 720, "fps": 25.0},
    },
    "picture": {"live": True, "reason": "", "age_ms": 12.0},
    "encoder": {
        "name": "x264",
        "hardware": False,
        "rungs": [{"name": "main", "codec": "h264", "target_bps": 8000000, "measured_bps": 7900000, "fps": 25.02}],
    },
    "sinks": [
        {"name": "srt", "kind": "srt", "state": "live", "delivered": 500, "dropped": 2, "last_error": ""},
        {"name": "tv", "kind": "srt", "state": "failed", "delivered": 0, "dropped": 0, "last_error": "no such host"},
    ],
    "viewers": [
        {
            "session": "abcdefghij",
            "state": "connected",
            "rtt_ms": 12.4,
            "glass_to_glass_ms": {"p50": 61.0, "p95": 80.0},
        },
        {"session": "klmnopqrst", "state": "connected", "seen": {"live": False, "reason": "old"}},
    ],
    "latency": {
        "box": {"p50": 9000, "p95": 12500, "p99": 15000},
        "stages": {"encode": {"p50": 5000, "p95": 7000, "p99": 9000}},
    },
    "link": {"state": "online", "broker": "127.0.0.1:1883", "last_error": ""},
    "health": {"status": "degraded", "cpu_pct": 41.2, "mem_pct": 30.0, "disk_free_pct": 8.0, "temperature_c": None},
    "issues": [
        {
            "code": "disk_low",
            "since": "2026-01-01T00:00:00Z",
            "severity": "warning",
            "suggestion": "Delete what is no longer needed.",
            "subject": "",
            "detail": "8.0 % of the disk is free",
        }
    ],
}


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> pytest.CaptureFixture[str]:
    monkeypatch.setenv("COLUMNS", "200")
    return capsys


def page_of(box: AnsweringBox, document: Any, said: pytest.CaptureFixture[str]) -> list[str]:
    box.answers["GET /api/v1/status"] = (200, document)
    assert main(["status", "--url", box.url]) == 0
    return [line.rstrip() for line in said.readouterr().out.splitlines()]


def test_page_says_everything_a_person_asks(box: AnsweringBox, said: pytest.CaptureFixture[str]) -> None:
    assert page_of(box, STATUS, said) == [
        "box      box-a1b2c3, board sim, scopecast 0.1.0",
        "picture  LIVE",
        "signal   locked, 1280x720 at 25 fps, since 5 min, 3 lock change(s)",
        "encoder  main: x264 (software), h264, 7.9 of 8.0 Mbit/s, 25.0 fps",
        "latency  box p50 9.0 ms, p95 12.5 ms (p95 of encode 7.0)",
        "output   srt (srt): live, 500 delivered, 2 dropped",
        "output   tv (srt): failed, 0 delivered, 0 dropped, no such host",
        "viewers  2",
        "         abcdefgh connected, round trip 12 ms, glass to glass p50 61 ms, p95 80 ms",
        "         klmnopqr connected, NOT LIVE there (old)",
        "link     online, broker 127.0.0.1:1883",
        "health   degraded, CPU 41 %, memory 30 %, disk free 8 %",
        "",
        "! disk_low: 8.0 % of the disk is free",
        "  Delete what is no longer needed.",
    ]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"mask": {"areas": 2, "withheld": ""}}, "Endoscopy, masked: 2 area(s)"),
        ({"crop": {"rect": [8, 4, 640, 480]}}, "Endoscopy, masked: 0 area(s), cropped to 640x480+8+4"),
        ({"mask": {"areas": 1, "withheld": "made for 640x480"}}, "picture withheld: made for 640x480"),
    ],
)
def test_preset_mask_and_crop_are_said(
    more: dict[str, Any], words: str, box: AnsweringBox, said: pytest.CaptureFixture[str]
) -> None:
    preset = {"name": "endoscopy", "title": "Endoscopy"}
    box.answers["GET /api/v1/status"] = (200, {**STATUS, "preset": preset, **more})
    assert main(["status", "--url", box.url]) == 0
    assert words in said.readouterr().out


def test_picture_that_is_not_live_is_said_with_its_reason(box: AnsweringBox, said: pytest.CaptureFixture[str]) -> None:
    document = {**STATUS, "picture": {"live": False, "reason": "no signal", "age_ms": None}}
    assert "picture  NOT LIVE: no signal" in page_of(box, document, said)


def test_box_that_has_just_started_still_makes_a_page(box: AnsweringBox, said: pytest.CaptureFixture[str]) -> None:
    assert page_of(box, {}, said) == [
        "box      unnamed, board unknown, scopecast ?",
        "picture  NOT LIVE: no picture yet",
        "signal   unknown, 0 lock change(s)",
        "viewers  0",
    ]


def test_second_input_has_lines_of_its_own(box: AnsweringBox, said: pytest.CaptureFixture[str]) -> None:
    first = {
        "name": "main",
        "source": {"kind": "sim"},
        **{key: STATUS[key] for key in ("signal", "picture", "encoder", "latency")},
    }
    second = {**first, "name": "second", "source": {"kind": "url"}, "picture": {"live": False, "reason": "no cable"}}
    sink = {**STATUS["sinks"][0], "rung": "second"}
    lines = page_of(box, {**STATUS, "inputs": [first, second], "sinks": [sink]}, said)
    at = lines.index("input    second, source url")
    assert (lines[1], lines[at + 1]) == ("picture  LIVE", "picture  NOT LIVE: no cable")
    assert "output   srt (srt, second): live, 500 delivered, 2 dropped" in lines


def test_text_of_the_box_is_not_taken_for_markup(box: AnsweringBox, said: pytest.CaptureFixture[str]) -> None:
    document = {**STATUS, "picture": {"live": False, "reason": "[red]x[/red]", "age_ms": None}}
    assert "picture  NOT LIVE: [red]x[/red]" in page_of(box, document, said)


def test_json_is_the_document_itself(box: AnsweringBox, capsys: pytest.CaptureFixture[str]) -> None:
    box.answers["GET /api/v1/status"] = (200, STATUS)
    assert main(["status", "--json", "--url", box.url]) == 0
    assert json.loads(capsys.readouterr().out) == STATUS


def test_watch_goes_on_until_interrupted(
    box: AnsweringBox, monkeypatch: pytest.MonkeyPatch, said: pytest.CaptureFixture[str]
) -> None:
    box.answers["GET /api/v1/status"] = (200, STATUS)
    waits: list[float] = []

    def wait(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr("edge.app.cli_status.time.sleep", wait)
    assert main(["status", "--watch", "--url", box.url]) == 130
    assert waits == [1.0, 1.0, 1.0]
    assert "LIVE" in said.readouterr().out


def test_absent_box_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "--url", "http://127.0.0.1:1"]) == 1
    assert capsys.readouterr().err == (
        "edge: no box answers at http://127.0.0.1:1 ([Errno 111] Connection refused); is it running?\n"
    )


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((503, {"detail": "starting", "code": "unavailable"}), "the box says: starting"),
        ((403, {"title": "Forbidden"}), "the box says: Forbidden"),
        ((200, b"<html>"), "answered 200 and not in JSON: this is not a box"),
        ((200, [1]), "answered 200 and not in JSON: this is not a box"),
    ],
)
def test_other_answers_are_said(
    box: AnsweringBox, answer: tuple[int, Any], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    box.answers["GET /api/v1/status"] = answer
    assert main(["status", "--url", box.url]) == 1
    err = capsys.readouterr().err
    assert words in err
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize("url", ["127.0.0.1:8080", "ftp://x", "http://"])
def test_url_that_is_none_is_said(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "--url", url]) == 1
    assert f"{url!r} is not an address of a box" in capsys.readouterr().err


def test_pair_shows_code_time_and_what_to_type(box: AnsweringBox, capsys: pytest.CaptureFixture[str]) -> None:
    box.answers["POST /api/v1/pairing"] = (200, {"code": "12345678", "seconds": 600.0})
    assert main(["pair", "--url", box.url]) == 0
    assert capsys.readouterr().out == (
        f"Code 12345678, good once, for 600 seconds.\nOn the controller type: edgectl pair {box.url} --code 12345678\n"
    )


def test_pair_shows_what_the_qr_code_says_too(box: AnsweringBox, capsys: pytest.CaptureFixture[str]) -> None:
    qr = {"text": "scopecast+http://10.0.0.5:8080/box-abcdef#secret", "svg": "<svg/>"}
    box.answers["POST /api/v1/pairing"] = (200, {"code": "12345678", "seconds": 600.0, "qr": qr})
    assert main(["pair", "--url", box.url]) == 0
    assert f"edgectl pair '{qr['text']}'" in capsys.readouterr().out
