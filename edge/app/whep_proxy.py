"""The Whep port over the rtc process."""

from __future__ import annotations

from edge.model.feedback import Role
from edge.runtime.ipc import IpcClient


class RtcViewers:
    def __init__(self, *, rtc: IpcClient) -> None:
        self._rtc = rtc

    async def offer(self, rung: str, sdp: str, *, role: Role = Role.GUIDE) -> tuple[str, str]:
        """(session id, SDP answer). Raises what the rtc process raises, PeerGone when it is away."""
        body = (await self._rtc.request("offer", {"rung": rung, "sdp": sdp, "role": role})).body
        return body["session"], body["sdp"]

    async def trickle(self, session: str, fragment: str) -> None:
        await self._rtc.request("trickle", {"session": session, "fragment": fragment})

    async def end(self, session: str) -> None:
        await self._rtc.request("end", {"session": session})
