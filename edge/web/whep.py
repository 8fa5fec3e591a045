"""POST /whep/{rung} and its session resources (draft-ietf-wish-whep)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from fastapi import APIRouter, Request, Response

from edge.model.errors import Busy, Invalid, Unavailable
from edge.model.feedback import Role
from edge.model.ice import IceServer
from edge.model.ice_link import link_of
from edge.ports import Admission, Whep
from edge.web.admittance import NotAdmitted, admit, would_admit
from edge.web.body import read_text

_SDP = "application/sdp"
_FRAGMENT = "application/trickle-ice-sdpfrag"


def whep_routes(
    *, whep: Whep, admission: Admission, ice_servers: Callable[[], Sequence[IceServer]] = tuple
) -> APIRouter:
    """`ice_servers` are asked for each viewer, since their credentials expire."""
    router = APIRouter()

    def links(*, secrets: bool) -> Mapping[str, str]:
        servers = [server for server in ice_servers() if secrets or not server.credential]
        return {"Link": ", ".join(map(link_of, servers))} if servers else {}

    @router.post("/whep/{rung}")
    async def offer(rung: str, request: Request, role: str = Role.GUIDE) -> Response:
        sdp = await read_text(request, media_type=_SDP, what="a WHEP offer")
        try:
            invitation = admit(admission, request, rung)
            session, answer = await whep.offer(rung, sdp, role=_role(role), invitation=invitation)
        except NotAdmitted as refusal:
            return refusal.problem
        except Busy as error:  # WHEP wants 503 with Retry-After when there is no room
            raise Unavailable(str(error), code=error.code) from error
        headers = {"Location": f"/whep/{rung}/{session}", "Accept-Patch": _FRAGMENT, "Cache-Control": "no-store"}
        return Response(answer, status_code=201, media_type=_SDP, headers={**headers, **links(secrets=True)})

    @router.options("/whep/{rung}")
    async def options(rung: str, request: Request) -> Response:
        known = would_admit(admission, request, rung)  # a browser asks before it may send its token
        return Response(
            status_code=204, headers={"Allow": "POST, OPTIONS", "Accept-Post": _SDP, **links(secrets=known)}
        )

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
