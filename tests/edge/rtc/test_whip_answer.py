from __future__ import annotations

from datetime import UTC, datetime

import pytest

from edge.rtc.whip_answer import resource_of, retry_after_s
from edge.rtc.whip_http import HttpAnswer

NOW = datetime(2026, 11, 24, 22, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7", 7.0),
        (" 7 ", 7.0),
        ("Tue, 24 Nov 2026 22:00:30 GMT", 30.0),
        ("Tue, 24 Nov 2026 21:00:00 GMT", 0.0),
        ("999999999", 3600.0),
        ("Tue, 24 Nov 2037 22:00:30 GMT", 3600.0),
        ("", 0.0),
        ("soon", 0.0),
        ("-5", 0.0),
        ("²", 0.0),
    ],
)
def test_retry_after(text: str, seconds: float) -> None:
    assert retry_after_s(text, now=NOW) == seconds


@pytest.mark.parametrize(
    ("location", "resource"),
    [
        ("/session/1", "https://a.example/session/1"),
        ("1", "https://a.example/whip/1"),
        ("https://b.example/1", "https://b.example/1"),
        ("http://localhost/1", ""),
        ("http://b.example/1", ""),
        ("ftp://a.example/1", ""),
        ("https://[", ""),
        ("", ""),
    ],
)
def test_session_is_where_its_location_says_unless_that_is_less_safe(location: str, resource: str) -> None:
    assert resource_of(HttpAnswer("https://a.example/whip/room", 201, [("location", location)], "")) == resource
