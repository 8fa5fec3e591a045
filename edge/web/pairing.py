"""POST /api/v1/pairing opens a one-time code for the touchscreen, POST /api/v1/pair redeems it."""

from __future__ import annotations

import re

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from edge.ports import Pairing
from edge.web.body import read_json, text_field

_CODE = re.compile(r"[A-Za-z0-9 -]{4,32}")
_KID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_KEY = re.compile(r"[A-Za-z0-9+/=_-]{16,1024}")
_NO_STORE = {"Cache-Control": "no-store"}


def pairing_routes(*, pairing: Pairing) -> APIRouter:
    router = APIRouter()

    @router.post("/api/v1/pairing")
    async def opening() -> JSONResponse:
        code, seconds = pairing.open_code()
        return JSONResponse({"code": code, "seconds": seconds}, headers=_NO_STORE)

    @router.post("/api/v1/pair")
    async def pair(request: Request) -> JSONResponse:
        body = await read_json(request)
        answer = await pairing.pair(
            text_field(body, "code", pattern=_CODE),
            text_field(body, "kid", pattern=_KID),
            text_field(body, "public_key", pattern=_KEY),
        )
        return JSONResponse(dict(answer), headers=_NO_STORE)

    return router
