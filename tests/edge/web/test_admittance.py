"""Viewers' tokens over HTTP: the real admission behind the real application."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from edge.model.feedback import Role

SDP = {"Content-Type": "application/sdp"}


@pytest.fixture
async def remote(web: Any) -> AsyncIterator[httpx.AsyncClient]:
    """A caller from elsewhere."""
    transport = httpx.ASGITransport(app=web.app, client=("10.0.0.9", 50_000))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080") as client:
        yield client


def token_of(web: Any, *, rung: str = "main", minutes: int = 10) -> str:
    return str(web.admission.invite(rung=rung, role=Role.OBSERVER, name="Dr. Ada", minutes=minutes)[1])


async def post(client: httpx.AsyncClient, **headers: str) -> httpx.Response:
    return await client.post("/whep/main", content="v=0\r\n", headers={**SDP, **headers})


async def test_at_the_box_no_token_is_needed(web: Any, client: httpx.AsyncClient) -> None:
    assert (await post(client)).status_code == 201
    assert web.whep.joined == [(Role.GUIDE, None)]


async def test_from_elsewhere_a_token_is_asked_for(web: Any, remote: httpx.AsyncClient) -> None:
    answer = await post(remote)
    assert (answer.status_code, answer.json()["code"]) == (401, "token_missing")
    assert answer.headers["www-authenticate"] == 'Bearer realm="scopecast"'
    assert web.whep.joined == []


async def test_with_its_token_a_viewer_joins_as_who_it_is_invited(web: Any, remote: httpx.AsyncClient) -> None:
    answer = await post(remote, Authorization=f"bearer {token_of(web)}")
    assert answer.status_code == 201
    [(_, invitation)] = web.whep.joined
    assert (invitation.name, invitation.role, invitation.rung) == ("Dr. Ada", Role.OBSERVER, "main")


async def test_a_proxy_on_the_box_does_not_open_the_door(client: httpx.AsyncClient) -> None:
    for header in ("X-Forwarded-For", "Forwarded", "Via", "X-Real-IP"):
        assert (await post(client, **{header: "127.0.0.1"})).status_code == 401


@pytest.mark.parametrize("value", ["Basic YTpi", "Bearer", "Bearer ", "Bearer x", "x.y", "Bearer a.b c"])
async def test_a_bad_token_is_refused_also_at_the_box(client: httpx.AsyncClient, value: str) -> None:
    answer = await post(client, Authorization=value)
    assert (answer.status_code, answer.json()["code"]) == (401, "token_invalid")
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]


async def test_a_token_that_is_over_says_so(web: Any, remote: httpx.AsyncClient) -> None:
    token = token_of(web, minutes=1)
    web.clock.now_ns += 60 * 10**9
    answer = await post(remote, Authorization=f"Bearer {token}")
    assert (answer.status_code, answer.json()["code"]) == (401, "token_expired")
    assert "Dr. Ada" in answer.json()["detail"]


async def test_a_token_for_another_rung_is_forbidden(web: Any, remote: httpx.AsyncClient) -> None:
    answer = await post(remote, Authorization=f"Bearer {token_of(web, rung='second')}")
    assert (answer.status_code, answer.json()["code"]) == (403, "token_of_other_rung")
    assert "www-authenticate" not in answer.headers


async def test_refusals_are_logged_with_the_name_and_never_the_token(
    web: Any, remote: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    token = token_of(web, rung="second")
    await post(remote, Authorization=f"Bearer {token}")
    assert "a viewer from 10.0.0.9 was refused: token_of_other_rung: Dr. Ada" in caplog.text
    assert token not in caplog.text
    assert token.partition(".")[2] not in caplog.text


async def test_ice_servers_come_with_their_credentials(client: httpx.AsyncClient) -> None:
    link = (await post(client)).headers["link"]
    assert link == (
        '<stun:a:1>; rel="ice-server", <turn:b:2>; rel="ice-server"; username="17:u"; '
        'credential="p\\"q"; credential-type="password"'
    )


async def test_strangers_learn_no_credentials_by_asking_for_options(remote: httpx.AsyncClient) -> None:
    assert "credential" not in (await remote.options("/whep/main")).headers.get("link", "")


@pytest.mark.parametrize(("role", "status"), [("observer", 201), ("guide", 201), ("boss", 400)])
async def test_role_may_be_said(web: Any, client: httpx.AsyncClient, role: str, status: int) -> None:
    answer = await client.post(f"/whep/main?role={role}", content="v=0\r\n", headers=SDP)
    assert answer.status_code == status
    assert [str(joined) for joined, _ in web.whep.joined] == ([role] if status == 201 else [])


async def test_under_the_name_for_viewers_the_box_answers(remote: httpx.AsyncClient) -> None:
    answers = [await post(remote, Host=host) for host in ("box.example", "box.example.evil.example")]
    assert [answer.json()["code"] for answer in answers] == ["token_missing", "foreign_host"]
