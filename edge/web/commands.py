"""POST /api/v1/commands: the command bus over HTTP, with MQTT's operations, names and rules."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from edge.model.command import Command, Result, ResultState
from edge.runtime.command_bus import CommandBus
from edge.web.body import object_field, read_json, text_field
from edge.web.problems import Problem, status_of_failure, status_of_rejection

_OP = re.compile(r"[a-z0-9_.]{1,64}")
_ID = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
_UNDER_WAY = (ResultState.ACCEPTED, ResultState.RUNNING)


def command_routes(*, bus: CommandBus) -> APIRouter:
    router = APIRouter()

    @router.post("/api/v1/commands")
    async def commands(request: Request) -> Response:
        return answer_of(await bus.submit(command_of(await read_json(request))))

    return router


def command_of(body: Mapping[str, Any]) -> Command:
    """Unknown fields are ignored; the id is ours when the caller gives none. Raises Invalid."""
    return Command(
        id=text_field(body, "id", pattern=_ID) if body.get("id") is not None else str(uuid.uuid4()),
        op=text_field(body, "op", pattern=_OP),
        args=object_field(body, "args"),
        present=True,  # no message that somebody held back can come this way
    )


def answer_of(result: Result) -> Response:
    """200 with the result when done, 202 when under way, a problem when rejected (4xx) or failed (5xx)."""
    if result.st is ResultState.DONE or result.st in _UNDER_WAY:
        body = {
            "id": result.id,
            "st": result.st,
            "code": result.code,
            "detail": result.detail,
            "payload": dict(result.payload),
        }
        return JSONResponse(body, status_code=200 if result.st is ResultState.DONE else 202)
    rejected = result.st is ResultState.REJECTED
    status = status_of_rejection(result.code) if rejected else status_of_failure(result.code)
    return Problem(status, result.code, result.detail, more={"id": result.id, "st": result.st})
