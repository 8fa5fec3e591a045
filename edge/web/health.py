"""GET /healthz (the process answers) and /readyz (the picture flows, or has a good reason not to)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse

from edge.model.signal import SignalState
from edge.model.status import ComponentState
from edge.runtime.status_board import StatusBoard
from edge.web.problems import Problem

_NO_STORE = {"Cache-Control": "no-store"}
_IDLE = (SignalState.NO_CABLE, SignalState.NO_SIGNAL)
_WELL = (None, "", ComponentState.RUNNING)


@dataclass(frozen=True, slots=True)
class Readiness:
    """`code` is `live`, `idle` or what is wrong; `detail` a sentence."""

    ready: bool
    code: str
    detail: str = ""


def health_routes(*, board: StatusBoard) -> APIRouter:
    router = APIRouter()

    @router.api_route("/healthz", methods=["GET", "HEAD"])
    async def healthz() -> Response:
        return JSONResponse({"status": "ok"}, headers=_NO_STORE)

    @router.api_route("/readyz", methods=["GET", "HEAD"])
    async def readyz() -> Response:
        found = readiness(board.document())
        if found.ready:
            return JSONResponse({"status": "ready", "code": found.code}, headers=_NO_STORE)
        return Problem(503, found.code, found.detail)

    return router


def readiness(document: Mapping[str, Any]) -> Readiness:
    """Live is ready; so is an input with nothing plugged in or switched on. All else is not."""
    picture, signal = document.get("picture") or {}, document.get("signal") or {}
    state = signal.get("state")
    media = ((document.get("health") or {}).get("processes") or {}).get("media") or {}
    if picture.get("live"):
        return Readiness(True, "live")
    if media.get("state") not in _WELL:
        return Readiness(False, "media_down", f"the media process is {media['state']}")
    if state in _IDLE:
        return Readiness(True, "idle")
    if state is None:
        return Readiness(False, "starting", "the media process has not reported yet")
    if state != SignalState.LOCKED:
        return Readiness(False, str(state), str(signal.get("detail") or f"the input says {state}"))
    return Readiness(False, "not_live", str(picture.get("reason") or "the picture is not live"))
