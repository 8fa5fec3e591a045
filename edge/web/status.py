"""GET /api/v1/status and /api/v1/time."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from edge.ports import Clock
from edge.runtime.clock import rfc3339
from edge.runtime.status_board import StatusBoard

_NO_STORE = {"Cache-Control": "no-store"}


def status_routes(*, board: StatusBoard, clock: Clock) -> APIRouter:
    router = APIRouter()

    @router.api_route("/api/v1/status", methods=["GET", "HEAD"])
    async def status() -> JSONResponse:
        document = {**board.document(), "time": time_of(clock)}
        return JSONResponse(document, headers=_NO_STORE)

    @router.get("/api/v1/time")
    async def time() -> JSONResponse:
        return JSONResponse({"utc_ns": str(clock.utc_ns())}, headers=_NO_STORE)

    return router


def time_of(clock: Clock) -> dict[str, Any]:
    """The document's `time`: the box's clock now and how far it can be trusted."""
    return {
        "utc": rfc3339(clock.utc_ns()),
        "synchronised": clock.synchronised(),
        "uncertainty_us": clock.uncertainty_us(),
    }
