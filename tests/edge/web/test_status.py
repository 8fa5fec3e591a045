"""The status document and the box's time."""

from __future__ import annotations

from typing import Any

import httpx


async def test_status_is_the_whole_document_with_the_time(web: Any, client: httpx.AsyncClient) -> None:
    web.board.put("sinks", [{"name": "srt"}])
    web.board.put("link", {"state": "online"})
    answer = await client.get("/api/v1/status")
    document = answer.json()
    assert document["sinks"] == [{"name": "srt"}]
    assert document["link"] == {"state": "online"}
    assert document["time"] == {"utc": "2026-01-01T00:00:00.123456Z", "synchronised": True, "uncertainty_us": 250}
    assert answer.headers["cache-control"] == "no-store"


async def test_time_is_the_boxs_utc_as_text(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/v1/time")
    assert answer.json() == {"utc_ns": "1767225600123456789"}
    assert answer.headers["cache-control"] == "no-store"
