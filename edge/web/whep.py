"""POST /whep/{rung} and its session resources (draft-ietf-wish-whep)."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import APIRouter, Request, Response

from edge.model.errors import Busy, Invalid, Unavailable
from edge.model.feedback import Role
from edge.ports import Whep
from edge.web.body import read_text

_SDP = "application/sdp"
_FRAGMENT = "application/trickle-ice-sdpfrag"


def whep_routes(*, whep: Whep, ice_servers: Sequence[str] = ()) -> APIRouter:
    router = APIRouter()
    links = {"Link": ", ".join(f'<{url}>; rel="ice-server"' for url in ice_servers)} if ice_servers else {}

    @router.post("/whep/{rung}")
    async def offer(rung: str, request: Request, role: str = Role.GUIDE) -> Response:
        sdp = await read_text(request, media_type=_SDP, what="a WHEP offer")
        try:
            session, answer = await whep.offer(rung, sdp, role=_role(role))
        except Busy as error:  # WHEP wants 503 with Retry-After when there is no room
            raise Unavailable(str(error), code=error.code) from error
        headers = {"Location": f"/whep/{rung}/{session}", "Accept-Patch": _FRAGMENT, "Cache-Control": "no-store"}
        return Response(answer, status_code=201, media_type=_SDP, headers={**headers, **links})

    @router.options("/whep/{rung}")
    async def options(rung: str) -> Response:
        return Response(status_code=204, headers={"Allow": "POST, OPTIONS", "Accept-Post": _SDP, **links})

    @router.patch("/whep/{rung}/{session}")
    async def trickle(rung: str, session: str, request: Request) -> Response:
        await whep.trickle(session, await read_text(request, media_type=_FRAGMENT, what="a trickle ICE fragment"))
        return Response(status_code=204)

    @router.delete("/whep/{rung}/{session}")
    async def end(rung: str, session: str) -> Response:
        await whep.end(session)
        return Response(status_code=200)

    @router.options("/whep/{rung}/{session}")
    async def session_options(rung: str, session: str) -> Response:
        return Response(status_code=204, headers={"Allow": "PATCH, DELETE, OPTIONS", "Accept-Patch": _FRAGMENT})

    return router


def _role(text: str) -> Role:
    """Raises Invalid."""
    try:
        return Role(text)
    except ValueError as error:
        raise Invalid(f"role is {', '.join(Role)}, not {text[:40]!r}") from error
