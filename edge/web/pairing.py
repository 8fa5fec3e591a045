"""Pairing: a one-time code and its QR code for the touchscreen, and what a controller does with it.

docs/pairing.md has the messages.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from typing import Any

import segno
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from edge.model.errors import Forbidden
from edge.ports import Pairing
from edge.web.admittance import is_local
from edge.web.body import read_json, text_field

_CODE = re.compile(r"[A-Za-z0-9 -]{4,32}")
_KID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_KEY = re.compile(r"[A-Za-z0-9+/=_-]{16,1024}")
_TEXT = re.compile(r"(?s).{2,65536}")
_SEAL = re.compile(r"[A-Za-z0-9+/=]{16,128}")
_BOX = re.compile(r"[a-z0-9-]{1,40}")
_NO_STORE = {"Cache-Control": "no-store"}


def pairing_routes(*, pairing: Pairing) -> APIRouter:
    router = APIRouter()

    @router.post("/api/v1/pairing")
    async def opening(request: Request) -> JSONResponse:
        _require_local(request)
        code, seconds = pairing.open_code()
        text = pairing.qr_text()
        return _answer({"code": code, "seconds": seconds, "qr": {"text": text, "svg": qr_svg(text)}})

    @router.post("/api/v1/pairing/forget")
    async def forget(request: Request) -> JSONResponse:
        _require_local(request)
        await pairing.forget(text_field(await read_json(request), "box", pattern=_BOX))
        return _answer({})

    @router.post("/api/v1/pair")
    async def pair(request: Request) -> JSONResponse:
        body = await read_json(request)
        answer = await pairing.pair(
            text_field(body, "code", pattern=_CODE),
            text_field(body, "kid", pattern=_KID),
            text_field(body, "public_key", pattern=_KEY),
        )
        return _answer(answer)

    @router.post("/api/v1/pair/hello")
    async def hello(request: Request) -> JSONResponse:
        return _answer(await pairing.hello(text_field(await read_json(request), "exchange", pattern=_KEY)))

    @router.post("/api/v1/pair/begin")
    async def begin(request: Request) -> JSONResponse:
        return _answer(await pairing.begin(*await _sealed(request)))

    @router.post("/api/v1/pair/finish")
    async def finish(request: Request) -> JSONResponse:
        return _answer(await pairing.finish(*await _sealed(request)))

    return router


def qr_svg(text: str) -> str:
    """A QR code with error correction M and its quiet zone, as an SVG element without a size of its own."""
    out = io.BytesIO()
    segno.make_qr(text, error="m").save(
        out, kind="svg", border=4, xmldecl=False, svgns=True, omitsize=True, light="#fff", nl=False
    )
    return out.getvalue().decode()


def _answer(content: Mapping[str, Any]) -> JSONResponse:
    return JSONResponse(dict(content), headers=_NO_STORE)


async def _sealed(request: Request) -> tuple[str, str]:
    body = await read_json(request)
    return text_field(body, "text", pattern=_TEXT), text_field(body, "seal", pattern=_SEAL)


def _require_local(request: Request) -> None:
    """Whoever can read the code commands the box: it is for who stands before it. Raises Forbidden."""
    if not is_local(request):
        raise Forbidden(
            "a code is shown on the box's own screen only, or there by `edge pair`", code="pairing_not_local"
        )
