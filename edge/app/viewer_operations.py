"""The operations `viewer.invite` and `viewer.end`."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from edge.app.admission import Admission
from edge.app.arguments import Arguments
from edge.app.sink_arguments import role_of
from edge.app.whep_proxy import RtcViewers
from edge.config.model import WebConfig
from edge.model.command import Lane, Op
from edge.model.errors import Invalid, NotFound
from edge.model.inputs import Input
from edge.runtime.clock import rfc3339
from edge.runtime.command_bus import CommandBus

_RUNG = r"[a-z0-9][a-z0-9-]{0,39}"
_NAME = r"[^\x00-\x1f\x7f-\x9f\u2028\u2029]{0,64}"
_ID = r"[A-Za-z0-9_-]{0,64}"
_MINUTES, _MOST_MINUTES = 10, 1440
_ANY = ("0.0.0.0", "::", "")  # noqa: S104 - compared with, never bound


class ViewerOperations:
    """`base_url` says under what the box is reached now."""

    def __init__(
        self, *, admission: Admission, viewers: RtcViewers, rungs: Sequence[str], base_url: Callable[[], str]
    ) -> None:
        self._admission = admission
        self._viewers = viewers
        self._rungs = rungs
        self._base_url = base_url

    def register(self, bus: CommandBus) -> None:
        bus.register(Op.VIEWER_INVITE, Lane.SYSTEM, self._invite)
        bus.register(Op.VIEWER_END, Lane.SYSTEM, self._end)

    async def _invite(self, args: Mapping[str, Any]) -> Mapping[str, Any]:
        given = Arguments(args)
        rung = given.text("rung", pattern=_RUNG, default=Input.MAIN)
        role = role_of(given)
        minutes = given.integer("minutes", least=1, most=_MOST_MINUTES, default=_MINUTES)
        name = given.text("name", pattern=_NAME, default="").strip()
        given.done()
        if rung not in self._rungs:
            raise NotFound(f"rung: no rung {rung!r}; there is {', '.join(self._rungs)}", code="unknown_rung")
        invitation, token = self._admission.invite(rung=rung, role=role, name=name, minutes=minutes)
        return {
            "invitation": invitation.id,
            "rung": rung,
            "role": role,
            "name": name,
            "until": rfc3339(invitation.until_s * 1_000_000_000),
            "token": token,
            "url": f"{self._base_url()}/whep/{rung}",
        }

    async def _end(self, args: Mapping[str, Any]) -> Mapping[str, Any]:
        given = Arguments(args)
        session = given.text("session", pattern=_ID, default="")
        invitation = given.text("invitation", pattern=_ID, default="")
        given.done()
        if bool(session) == bool(invitation):
            raise Invalid("say either session or invitation")
        if invitation:  # first, so that nobody joins by it in between
            await asyncio.to_thread(self._admission.end, invitation)
        ended = await self._viewers.dismiss(session=session, invitation=invitation)
        for one in ended:
            await asyncio.to_thread(self._admission.end, one)
        return {"ended": sorted({*ended, invitation} - {""})}


def base_url(config: WebConfig) -> str:
    """As configured, or the address by which this machine reaches others; nothing is sent for it."""
    if config.public_url:
        return config.public_url
    host = config.host
    if host in _ANY:
        host = _own_address()
    return f"http://{f'[{host}]' if ':' in host else host}:{config.port}"


def _own_address() -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # connecting a datagram socket only looks up the route
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])
