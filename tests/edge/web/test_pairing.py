"""Pairing over HTTP: who may open a code, what goes through to the desk."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import httpx
import pytest

from edge.web.pairing import qr_svg
from tests.edge.web.conftest import QR_TEXT


async def test_pairing_opens_a_code_and_redeems_it(client: httpx.AsyncClient) -> None:
    opened = (await client.post("/api/v1/pairing")).json()
    assert (opened["code"], opened["seconds"]) == ("482 913", 300.0)
    body = {"code": opened["code"], "kid": "ctl-2026-1", "public_key": "A" * 43 + "="}
    answer = await client.post("/api/v1/pair", json=body)
    assert answer.json() == {"box": "box-000001", "kid": "ctl-2026-1"}


@pytest.mark.parametrize(
    ("change", "status", "code", "named"),
    [
        ({"code": "000 000"}, 403, "forbidden", "code"),
        ({"code": None}, 400, "invalid", "code: must be text"),
        ({"kid": "a b"}, 400, "invalid", "kid: must match"),
        ({"public_key": "short"}, 400, "invalid", "public_key: must match"),
    ],
)
async def test_bad_pairing_is_refused(
    client: httpx.AsyncClient, change: dict[str, Any], status: int, code: str, named: str
) -> None:
    body = {"code": "482 913", "kid": "ctl-2026-1", "public_key": "A" * 44, **change}
    answer = await client.post("/api/v1/pair", json=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert named in answer.json()["detail"]


async def test_the_qr_code_says_what_the_desk_gives(client: httpx.AsyncClient) -> None:
    opened = (await client.post("/api/v1/pairing")).json()
    assert opened["qr"] == {"text": QR_TEXT, "svg": qr_svg(QR_TEXT)}


def test_a_qr_code_is_one_svg_element_without_script_or_style() -> None:
    root = ElementTree.fromstring(qr_svg(QR_TEXT))  # noqa: S314  our own
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert {element.tag.split("}")[1] for element in root.iter()} == {"svg", "path"}
    assert not any("style" in element.attrib for element in root.iter())


@pytest.mark.parametrize(
    "far", [{"client": ("10.0.0.9", 1)}, {"headers": {"X-Forwarded-For": "10.0.0.9"}}], ids=["elsewhere", "proxied"]
)
@pytest.mark.parametrize("path", ["/api/v1/pairing", "/api/v1/pairing/forget"])
async def test_only_who_is_at_the_box_opens_a_code_or_forgets(web: Any, far: dict[str, Any], path: str) -> None:
    transport = httpx.ASGITransport(app=web.app, client=far.get("client", ("127.0.0.1", 1)))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080") as stranger:
        answer = await stranger.post(path, json={"box": "box-000001"}, headers=far.get("headers"))
    assert (answer.status_code, answer.json()["code"]) == (403, "pairing_not_local")
    assert not web.pairing.forgotten


@pytest.mark.parametrize("step", ["begin", "finish"])
async def test_sealed_words_go_through_and_are_never_kept(client: httpx.AsyncClient, step: str) -> None:
    answer = await client.post(f"/api/v1/pair/{step}", json={"text": "{}", "seal": "A" * 44})
    assert answer.json()["text"].endswith("{}")
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("path", "body", "named"),
    [
        ("hello", {}, "exchange: is missing"),
        ("hello", {"exchange": "<>" * 20}, "exchange: must match"),
        ("begin", {"text": "{}"}, "seal: is missing"),
        ("begin", {"text": 3, "seal": "A" * 44}, "text: must be text"),
        ("finish", {"text": "x" * 70_000, "seal": "A" * 44}, "text: must match"),
        ("finish", {"text": "{}", "seal": "é" * 44}, "seal: must match"),
    ],
)
async def test_malformed_words_are_refused(
    client: httpx.AsyncClient, path: str, body: dict[str, Any], named: str
) -> None:
    answer = await client.post(f"/api/v1/pair/{path}", json=body)
    assert answer.status_code == 400
    assert named in answer.json()["detail"]


async def test_forgetting_wants_the_boxs_id(web: Any, client: httpx.AsyncClient) -> None:
    answer = await client.post("/api/v1/pairing/forget", json={"box": "box-000002"})
    assert answer.json()["code"] == "not_confirmed"
    assert (await client.post("/api/v1/pairing/forget", json={"box": "box-000001"})).status_code == 200
    assert web.pairing.forgotten
