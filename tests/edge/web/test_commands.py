"""Commands over HTTP: results, problems, bad bodies."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from edge.model.errors import Busy, Invalid, NotFound, PeerGone, TimedOut

URL = "/api/v1/commands"


async def test_done_command_answers_its_result(web: Any, client: httpx.AsyncClient) -> None:
    web.answer("stream.start", {"state": "live"})
    answer = await client.post(URL, json={"op": "stream.start", "args": {"sink": "srt"}, "id": "c-1", "extra": 1})
    assert answer.status_code == 200
    assert answer.json() == {"id": "c-1", "st": "done", "code": "ok", "detail": "", "payload": {"state": "live"}}
    assert web.calls == [("stream.start", {"sink": "srt"})]


async def test_id_is_made_when_the_caller_gives_none(web: Any, client: httpx.AsyncClient) -> None:
    web.answer("stream.start", {})
    assert len((await client.post(URL, json={"op": "stream.start"})).json()["id"]) == 36


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (Invalid("args.sink: must be text"), 400, "invalid"),
        (NotFound("no sink 'x'", code="unknown_sink"), 404, "unknown_sink"),
        (Busy("taken"), 409, "busy"),
        (PeerGone("the media process is not there"), 503, "peer_gone"),
        (TimedOut("no answer within 5 s"), 504, "timed_out"),
        (RuntimeError("secret"), 500, "fault"),
    ],
)
async def test_refused_or_failed_command_is_a_problem_with_its_code(
    web: Any, client: httpx.AsyncClient, error: Exception, status: int, code: str
) -> None:
    web.answer("stream.start", error)
    answer = await client.post(URL, json={"op": "stream.start", "id": "c-2"})
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.status_code, answer.json()["code"], answer.json()["id"]) == (status, code, "c-2")
    assert answer.json()["status"] == status
    assert "secret" not in answer.text


async def test_unknown_operation_is_rejected_as_404(client: httpx.AsyncClient) -> None:
    answer = await client.post(URL, json={"op": "no.such"})
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_operation")


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"\xff\xfe{}", "not JSON"),
        (b'{"op": NaN}', "NaN is not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[]", "must be a JSON object, not list"),
        (b"{}", "op: is missing"),
        (b'{"op": 7}', "op: must be text"),
        (b'{"op": "Stream Start!"}', "op: must match"),
        (b'{"op": "stream.start", "args": [1]}', "args: must be an object"),
        (b'{"op": "stream.start", "id": "a b"}', "id: must match"),
    ],
)
async def test_bad_body_is_named(client: httpx.AsyncClient, body: bytes, named: str) -> None:
    answer = await client.post(URL, content=body)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    assert named in answer.json()["detail"]
