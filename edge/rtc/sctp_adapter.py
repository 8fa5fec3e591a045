"""Where we reach into aiortc's SCTP, so that a viewer's nonsense costs it nothing but the message. Read against 1.16.0.

aiortc ends the whole session, its picture too, with the exception of any malformed message, and keeps fragments
without end of a message that never ends.
"""

from __future__ import annotations

import logging
import struct
from typing import Any

from aiortc import RTCPeerConnection

_LOG = logging.getLogger(__name__)
_NONSENSE = (AssertionError, UnicodeDecodeError, struct.error, LookupError, ValueError)


def harden_data(connection: RTCPeerConnection) -> None:
    """Call when the answer is settled; nothing to do where no data channel was offered."""
    sctp: Any = connection.sctp
    if sctp is None:
        return
    receive, receive_chunk = sctp._receive, sctp._receive_data_chunk

    async def whole(stream_id: int, pp_id: int, message: bytes) -> None:
        try:
            await receive(stream_id, pp_id, message)
        except _NONSENSE as mistake:
            _LOG.debug("data channel: message dropped: %s", mistake)

    async def chunk(part: Any) -> None:
        if sctp._advertised_rwnd < len(part.user_data):  # it was told that there is no room
            return
        await receive_chunk(part)

    sctp._receive, sctp._receive_data_chunk = whole, chunk
