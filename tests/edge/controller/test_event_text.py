from __future__ import annotations

from typing import Any

import pytest

from edge.controller.event_text import clock_time, date_time, event_words


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (
            {"kind": "alarm", "code": "disk_low", "state": "raised", "data": {"subject": "main", "detail": "3 % left"}},
            "disk_low raised main 3 % left",
        ),
        ({"kind": "life", "code": "box.started", "data": {}}, "box.started"),
        (
            {"kind": "res", "cmd": {"op": "a.b", "st": "rejected", "code": "busy", "detail": "too many"}},
            "a.b rejected busy too many",
        ),
        ({"kind": "res", "cmd": {"op": "a.b", "st": "done", "code": "ok", "detail": ""}}, "a.b done"),
        (
            {"kind": "gap", "data": {"first": 2, "last": 5, "reason": "the box no longer has them"}},
            "events 2 to 5 are lost: the box no longer has them",
        ),
        ({"code": "a\x1b[2Jb\nc"}, "a [2Jb c"),
        ({"code": 5, "data": "x", "cmd": 7}, "5"),
        ({}, ""),
    ],
)
def test_an_event_in_one_line(event: dict[str, Any], words: str) -> None:
    assert event_words(event) == words


@pytest.mark.parametrize("ts", [None, "x", True, -1, 1 << 60, 1.5])
def test_an_odd_time_is_the_beginning_of_all_time(ts: Any) -> None:
    assert date_time({"ts": ts}) == date_time({"ts": 0})
    assert clock_time({"ts": ts}) == clock_time({})
