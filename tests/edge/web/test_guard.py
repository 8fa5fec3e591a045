"""Who may ask, and what every answer carries."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from edge.web.guard import Guard

URL = "/api/v1/commands"


@pytest.mark.parametrize("host", ["localhost", "localhost:8080", "127.0.0.1:8080", "[::1]:8080", "LOCALHOST", "[::1]"])
async def test_loopback_names_are_ours(client: httpx.AsyncClient, host: str) -> None:
    assert (await client.get("/healthz", headers={"Host": host})).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "", "a@localhost", "localhost/x", "localhost:x", "10.0.0.9"]
)
async def test_foreign_host_is_refused(client: httpx.AsyncClient, host: str) -> None:
    answer = await client.get("/api/v1/status", headers={"Host": host})
    assert (answer.status_code, answer.json()["code"]) == (403, "foreign_host")


async def test_second_host_header_is_refused(client: httpx.AsyncClient) -> None:
    answer = await client.get("/healthz", headers=[("Host", "localhost"), ("Host", "evil.example")])
    assert answer.json()["code"] == "foreign_host"


@pytest.mark.parametrize("path", [URL, "/whep/main", "/api/v1/pairing", "/api/v1/viewers/a/report"])
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:9999"},
        {"Origin": "http://localhost:8080"},
        {"Sec-Fetch-Site": "cross-site"},
    ],
)
async def test_cross_origin_post_is_refused(client: httpx.AsyncClient, path: str, headers: dict[str, str]) -> None:
    answer = await client.post(path, json={}, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "foreign_origin")


async def test_same_origin_post_passes(web: Any, client: httpx.AsyncClient) -> None:
    web.answer("stream.start", {})
    headers = {"Origin": "http://127.0.0.1:8080", "Sec-Fetch-Site": "same-origin"}
    assert (await client.post(URL, json={"op": "stream.start"}, headers=headers)).status_code == 200


@pytest.mark.parametrize("path", ["/", "/page/app.js", "/api/v1/status", "/no/such", "/api/v1/snapshot.jpg"])
async def test_every_answer_carries_the_security_headers(client: httpx.AsyncClient, path: str) -> None:
    headers = (await client.get(path, headers={"Origin": "http://evil.example"})).headers
    policy = headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert not [name for name in headers if name.startswith("access-control-")]


async def test_announced_oversize_body_is_refused(client: httpx.AsyncClient) -> None:
    answer = await client.post(URL, content=b"x" * ((1 << 20) + 1))
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


async def test_unannounced_oversize_body_is_refused(client: httpx.AsyncClient) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(17):
            yield b"x" * (1 << 16)

    answer = await client.post(URL, content=chunks())
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/no/such", 404, "not_found"),
        ("GET", "/page/../app.py", 404, "not_found"),
        ("GET", "/page/%2e%2e%2fapp.py", 404, "not_found"),
        ("GET", "/docs", 404, "not_found"),
        ("GET", "/openapi.json", 404, "not_found"),
        ("GET", "/healthz/", 404, "not_found"),
        ("GET", URL, 405, "method_not_allowed"),
        ("DELETE", "/api/v1/status", 405, "method_not_allowed"),
    ],
)
async def test_unknown_path_or_method_is_a_problem(
    client: httpx.AsyncClient, method: str, path: str, status: int, code: str
) -> None:
    answer = await client.request(method, path)
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_our_own_mistake_is_a_500_without_its_text() -> None:
    async def broken(*_: object) -> None:
        raise RuntimeError("secret")

    transport = httpx.ASGITransport(app=Guard(broken))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        answer = await client.get("/")
    assert (answer.status_code, answer.json()["code"]) == (500, "fault")
    assert "secret" not in answer.text


@pytest.mark.parametrize(("host", "status"), [("192.168.7.2", 200), ("[fe80::1]:8080", 200), ("evil.example", 403)])
async def test_box_on_every_interface_answers_addresses_only(host: str, status: int) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    transport = httpx.ASGITransport(app=Guard(app, hosts=("0.0.0.0",)))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        assert (await client.get("/", headers={"Host": host})).status_code == status
