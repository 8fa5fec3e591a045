"""The Whep port over the rtc process."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import asdict

from edge.model.errors import EdgeError
from edge.model.feedback import Role
from edge.model.invitation import Invitation
from edge.runtime.ipc import IpcClient

_LOG = logging.getLogger(__name__)


class RtcViewers:
    """Every join and every refusal of an invited viewer is logged with its name."""

    def __init__(self, *, rtc: IpcClient) -> None:
        self._rtc = rtc

    async def offer(
        self, rung: str, sdp: str, *, role: Role = Role.GUIDE, invitation: Invitation | None = None
    ) -> tuple[str, str]:
        """(session id, SDP answer). Raises what the rtc process raises, PeerGone when it is away."""
        who = "a viewer without an invitation" if invitation is None else invitation.title
        args = {"rung": rung, "sdp": sdp, "role": role if invitation is None else invitation.role}
        try:
            body = (await self._rtc.request("offer", {**args, "invitation": invitation and asdict(invitation)})).body
        except EdgeError as error:
            _LOG.warning("%s was refused: %s: %s", who, error.code, error)
            raise
        _LOG.info("%s joined %s as %s", who, rung, args["role"])
        return body["session"], body["sdp"]

    async def trickle(self, session: str, fragment: str) -> None:
        await self._rtc.request("trickle", {"session": session, "fragment": fragment})

    async def end(self, session: str) -> None:
        await self._rtc.request("end", {"session": session})

    async def dismiss(self, *, session: str = "", invitation: str = "") -> Sequence[str]:
        """End that session, or those of that invitation; no error when there is none. The invitations they had."""
        body = (await self._rtc.request("dismiss", {"session": session, "invitation": invitation})).body
        return list(body["invitations"])
