"""A viewer's data channel in tests: two sessions at most, each with what its viewer said and heard."""

from __future__ import annotations

import json
from typing import Any

from aiortc import RTCDataChannel

from edge.rtc.sessions import WhepSessions
from edge.rtc.viewer_channel import LABEL


async def joined(sessions: WhepSessions, viewer: Any) -> tuple[str, RTCDataChannel, list[dict[str, Any]]]:
    """(session, the viewer's channel, what it hears)."""
    wire, said = viewer.connection.createDataChannel(LABEL, ordered=False), []
    wire.on("message", lambda text: said.append(json.loads(text)))
    session, answer = await sessions.offer("main", await viewer.offer())
    await viewer.accept(answer)
    return session, wire, said


def viewer_of(sessions: WhepSessions, session: str) -> Any:
    """Its entry of the status, None when it is gone."""
    return next((viewer for viewer in sessions.viewers() if viewer["session"] == session), None)
