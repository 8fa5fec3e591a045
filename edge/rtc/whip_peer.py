"""The sending half of a WHIP session: offers the units of one track, takes the ingest's answer."""

from __future__ import annotations

from collections.abc import Sequence

from aiortc import RTCSessionDescription
from aiortc.exceptions import InternalError, InvalidAccessError, InvalidStateError, OperationError

from edge.model.errors import Rejected
from edge.model.ice import IceServer
from edge.rtc.connections import Connections
from edge.rtc.payload import PayloadCache
from edge.rtc.peer import ViewerPeer
from edge.rtc.viewer_sink import ViewerSink
from edge.rtc.whip_sdp import offered, read_answer

_REFUSED = (
    InternalError,
    InvalidAccessError,
    InvalidStateError,
    OperationError,
    ValueError,
    AssertionError,
    LookupError,
    AttributeError,
    TypeError,
)


class OfferingPeer(ViewerPeer):
    """As a viewer's, but we begin. Use: `offer`, `accept`, and `close` in any case. Event loop only.

    `named` are ICE servers of the ingest, where it named some before.
    """

    def __init__(
        self,
        *,
        sink: ViewerSink,
        payloads: PayloadCache,
        connections: Connections,
        named: Sequence[IceServer] = (),
    ) -> None:
        super().__init__(sink=sink, payloads=payloads, connections=connections)
        self._connections = connections
        self._named = named
        connections.equip(self._transceiver, further=named)

    async def offer(self) -> str:
        """The SDP offer with all our candidates."""
        await self._connection.setLocalDescription()
        return offered(self._connection.localDescription.sdp)

    async def accept(self, sdp: str, *, ice_servers: Sequence[IceServer] = ()) -> None:
        """Begin to connect; `ice_servers` are those that came with the answer. Raises Rejected `answer_refused`."""
        answer = read_answer(sdp)
        fresh = [server for server in ice_servers if server not in self._named]
        await self._connections.add_relays(self._transceiver, fresh)
        try:
            await self._connection.setRemoteDescription(RTCSessionDescription(answer.sdp, "answer"))
            self._tap.negotiated(answer.extensions, transport_cc=answer.transport_cc)
            self._tap.listening()
            await self._connection.addIceCandidate(None)  # WHIP's answer has them all
        except _REFUSED as error:
            raise Rejected(f"the SDP answer cannot be used: {error}", code="answer_refused") from error
