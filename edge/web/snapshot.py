"""GET /api/v1/snapshot.jpg: the current picture of an input with its capture time."""

from __future__ import annotations

from fastapi import APIRouter, Response

from edge.model.inputs import Input
from edge.ports import Pictures
from edge.runtime.clock import rfc3339


def snapshot_routes(*, pictures: Pictures) -> APIRouter:
    router = APIRouter()

    @router.api_route("/api/v1/snapshot.jpg", methods=["GET", "HEAD"])
    async def snapshot(input: str = Input.MAIN) -> Response:
        still = await pictures.still(input)
        headers = {
            "X-Capture-Time": rfc3339(still.utc_ns),
            "X-Live": "true" if still.live else "false",
            "Cache-Control": "no-store",
        }
        return Response(still.jpeg, media_type="image/jpeg", headers=headers)

    return router
