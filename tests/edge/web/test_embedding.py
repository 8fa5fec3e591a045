"""What pages of configured sites may do, and those of others may not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from edge.web.guard import Guard

ORIGIN = "https://pacs.example"
TOKEN = {"Authorization": "Bearer abc"}
FRAME_POLICY = f"frame-ancestors {ORIGIN}"


@pytest.fixture
async def embedder() -> AsyncIterator[httpx.AsyncClient]:
    """The client of a box whose every path answers 201 with the path in its Location."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 201, "headers": [(b"location", scope["path"].encode())]})
        await send({"type": "http.response.body", "body": b""})

    transport = httpx.ASGITransport(app=Guard(app, embed_origins=(ORIGIN,)))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8080") as client:
        yield client


@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
async def test_page_of_a_configured_site_reaches_whep_with_a_token(embedder: httpx.AsyncClient, method: str) -> None:
    headers = {"Origin": ORIGIN, "Sec-Fetch-Site": "cross-site"}
    refused = await embedder.request(method, "/whep/main", headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (401, "token_missing")
    assert refused.headers["access-control-allow-origin"] == ORIGIN, "the page may read why"
    answer = await embedder.request(method, "/whep/main", headers={**headers, **TOKEN})
    assert answer.status_code == 201
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert "Location" in answer.headers["access-control-expose-headers"]
    assert answer.headers["vary"] == "Origin"
    assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize("value", ["", "Bearer", "Bearer  ", "Basic abc", "abc"])
async def test_what_is_no_token_is_refused(embedder: httpx.AsyncClient, value: str) -> None:
    answer = await embedder.post("/whep/main", headers={"Origin": ORIGIN, "Authorization": value})
    assert answer.status_code == 401


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "https://pacs.example.evil.example",
        "https://pacs.example:8443",
        "null",
        "HTTPS://PACS.EXAMPLE",
    ],
)
async def test_page_of_another_site_is_refused_with_a_token_too(embedder: httpx.AsyncClient, origin: str) -> None:
    answer = await embedder.post("/whep/main", headers={"Origin": origin, **TOKEN})
    assert (answer.status_code, answer.json()["code"]) == (403, "foreign_origin")
    assert not [name for name in answer.headers if name.startswith("access-control-")]


@pytest.mark.parametrize(
    "path", ["/api/v1/commands", "/api/v1/pairing", "/whep", "/whepx/main", "/api/v1/viewers/a/report"]
)
async def test_configured_site_reaches_nothing_but_whep(embedder: httpx.AsyncClient, path: str) -> None:
    answer = await embedder.post(path, headers={"Origin": ORIGIN, **TOKEN})
    assert (answer.status_code, answer.json()["code"]) == (403, "foreign_origin")
    assert "access-control-allow-origin" not in answer.headers


async def test_configured_site_needs_a_host_that_is_ours(embedder: httpx.AsyncClient) -> None:
    answer = await embedder.post("/whep/main", headers={"Origin": ORIGIN, "Host": "evil.example", **TOKEN})
    assert answer.json()["code"] == "foreign_host"


async def test_browser_that_asks_beforehand_is_told_what_is_allowed(embedder: httpx.AsyncClient) -> None:
    asks = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Private-Network": "true"}
    answer = await embedder.options("/whep/main", headers={"Origin": ORIGIN, **asks})
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (204, ORIGIN)
    assert answer.headers["access-control-allow-methods"] == "POST, PATCH, DELETE, OPTIONS"
    assert answer.headers["access-control-allow-headers"] == "Authorization, Content-Type"
    assert answer.headers["access-control-allow-private-network"] == "true"
    for headers, path in (({"Origin": "https://evil.example"}, "/whep/main"), ({"Origin": ORIGIN}, "/api/v1/commands")):
        answer = await embedder.options(path, headers={**headers, **asks})
        assert not [name for name in answer.headers if name.startswith("access-control-")]


@pytest.mark.parametrize(
    ("path", "framed"), [("/embed", True), ("/", False), ("/embed/x", False), ("/page/embed.html", False)]
)
async def test_configured_site_may_frame_the_embed_page_alone(
    embedder: httpx.AsyncClient, path: str, framed: bool
) -> None:
    headers = (await embedder.get(path)).headers
    assert (FRAME_POLICY in headers["content-security-policy"]) is framed
    assert ("x-frame-options" in headers) is not framed
    assert "script-src 'self'" in headers["content-security-policy"]


async def test_nobody_frames_the_embed_page_by_default(client: httpx.AsyncClient) -> None:
    answer = await client.get("/embed")
    assert (answer.status_code, answer.headers["x-frame-options"]) == (200, "DENY")
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert "scopecast" in answer.text.lower()
