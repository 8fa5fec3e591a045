"""WHEP over HTTP."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from edge.model.feedback import Role

SDP = {"Content-Type": "application/sdp"}
FRAGMENT = {"Content-Type": "application/trickle-ice-sdpfrag"}


async def test_offer_is_answered_with_a_session(client: httpx.AsyncClient) -> None:
    answer = await client.post("/whep/main", content="v=0\r\n", headers=SDP)
    assert answer.status_code == 201
    assert answer.headers["location"] == "/whep/main/s1"
    assert answer.headers["content-type"].startswith("application/sdp")
    assert answer.text == "v=0\r\nanswer"


async def test_a_viewer_is_a_guide_unless_it_says_that_it_only_observes(web: Any, client: httpx.AsyncClient) -> None:
    for path in ("/whep/main", "/whep/main?role=observer", "/whep/main?role=guide"):
        url = (await client.post(path, content="v=0\r\n", headers=SDP)).headers["location"]
        assert url == "/whep/main/s1"
        await client.delete(url)
    assert [role for role, _ in web.whep.joined] == [Role.GUIDE, Role.OBSERVER, Role.GUIDE]


async def test_session_takes_trickle_and_ends_once(web: Any, client: httpx.AsyncClient) -> None:
    url = (await client.post("/whep/main", content="v=0\r\n", headers=SDP)).headers["location"]
    assert (await client.patch(url, content="a=candidate:1", headers=FRAGMENT)).status_code == 204
    assert web.whep.fragments == ["a=candidate:1"]
    assert (await client.delete(url)).status_code == 200
    again = await client.delete(url)
    assert (again.status_code, again.json()["code"]) == (404, "unknown_session")


@pytest.mark.parametrize(
    ("path", "body", "headers", "status", "code"),
    [
        ("/whep/main", b"v=0", {"Content-Type": "text/plain"}, 415, "unsupported_media_type"),
        ("/whep/main", b"v=0", {}, 415, "unsupported_media_type"),
        ("/whep/main", b"", SDP, 400, "invalid"),
        ("/whep/main", b"\xff\xff", SDP, 400, "invalid"),
        ("/whep/main", b"hello", SDP, 400, "invalid_sdp"),
        ("/whep/nope", b"v=0", SDP, 404, "unknown_rung"),
        ("/whep/main?role=surgeon", b"v=0", SDP, 400, "invalid"),
        ("/whep/main?role=", b"v=0", SDP, 400, "invalid"),
    ],
)
async def test_bad_offer_is_a_problem(
    client: httpx.AsyncClient, path: str, body: bytes, headers: dict[str, str], status: int, code: str
) -> None:
    answer = await client.post(path, content=body, headers=headers)
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_full_house_says_when_to_try_again(client: httpx.AsyncClient) -> None:
    await client.post("/whep/main", content="v=0\r\n", headers=SDP)
    answer = await client.post("/whep/main", content="v=0\r\n", headers=SDP)
    assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (503, "busy", "1")


async def test_absent_webrtc_process_is_503(web: Any, client: httpx.AsyncClient) -> None:
    web.whep.down = True
    answer = await client.post("/whep/main", content="v=0\r\n", headers=SDP)
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")


async def test_trickle_of_another_type_or_session_is_refused(client: httpx.AsyncClient) -> None:
    assert (await client.patch("/whep/main/s1", content="a", headers=SDP)).status_code == 415
    assert (await client.patch("/whep/main/s1", content="a", headers=FRAGMENT)).status_code == 404


async def test_options_say_what_is_accepted(client: httpx.AsyncClient) -> None:
    endpoint = await client.options("/whep/main")
    assert (endpoint.status_code, endpoint.headers["accept-post"]) == (204, "application/sdp")
    session = await client.options("/whep/main/s1")
    assert session.headers["accept-patch"] == "application/trickle-ice-sdpfrag"
