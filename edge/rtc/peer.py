"""One viewer's peer connection: answers its offer, sends it the units of one track."""

from __future__ import annotations

import asyncio
import re
from fractions import Fraction

from aiortc import RTCSessionDescription
from aiortc.exceptions import InternalError, InvalidAccessError, InvalidStateError, OperationError
from aiortc.sdp import SessionDescription

from edge.model.errors import Invalid, NotSupported
from edge.rtc.adapter import PathReport, Repeats, SenderTap
from edge.rtc.connections import Connections, route_of
from edge.rtc.offer import Fragment, Offer
from edge.rtc.path_meter import PathMeter
from edge.rtc.payload import PayloadCache
from edge.rtc.rtp_stream import CodedPicture
from edge.rtc.sctp_adapter import harden_data
from edge.rtc.viewer_channel import ViewerChannel
from edge.rtc.viewer_sink import ViewerSink

_REFUSED = (InternalError, InvalidAccessError, InvalidStateError, OperationError, ValueError, AssertionError)
_TRANSPORT_CC = re.compile(r"^a=rtcp-fb:(\*|\d+) transport-cc[ \r]*$", re.MULTILINE)
_CLOSE_S = 3.0
_DRAIN_S = 0.15  # a keyframe that joins a full queue is lost as well
_TELL_TIME_EVERY = 90_000  # of pts: once a second, and with each keyframe (docs/contracts/timing.md)


class ViewerPeer:
    """Event loop only. `state` is WebRTC's connection state by its own names."""

    def __init__(
        self,
        *,
        sink: ViewerSink,
        payloads: PayloadCache,
        connections: Connections,
        channel: ViewerChannel | None = None,
    ) -> None:
        self._channel = channel
        self._sink = sink
        self._payloads = payloads
        self._told_pts: int | None = None
        self._ice_user = ""
        self._connection = connections.make()
        if channel is not None:
            self._connection.on("datachannel", channel.bind)
        self._transceiver = self._connection.addTransceiver(sink.track, direction="sendonly")
        connections.equip(self._transceiver)
        self._tap = SenderTap(
            self._transceiver,
            next_picture=self._next_picture,
            waiting_ns=sink.track.waiting_ns,
            on_keyframe_wanted=sink.want_keyframe,
            start_anew=lambda: sink.track.resync("lost too much", after_s=_DRAIN_S),
            on_report=sink.report_link,
            meter=PathMeter(sink=sink.name, role=sink.role),
            clock=sink.clock,
        )

    @property
    def state(self) -> str:
        return self._connection.connectionState

    @property
    def route(self) -> str:
        """Our end of the path in use: `host`, `srflx`, `prflx`, `relay`; empty before there is one."""
        return route_of(self._transceiver)

    @property
    def path(self) -> PathReport:
        return self._tap.report

    @property
    def repeats(self) -> Repeats:
        return self._tap.repeats

    def report_when_due(self) -> None:
        self._tap.report_when_due()

    async def answer(self, offer: Offer) -> str:
        """The SDP answer with all our candidates. Raises Invalid when aiortc refuses the offer."""
        self._ice_user = offer.ice_user
        _check_bundle(offer.sdp)
        try:
            await self._connection.setRemoteDescription(RTCSessionDescription(offer.sdp, "offer"))
            self._tap.negotiated(offer.extensions, transport_cc=_TRANSPORT_CC.findall(offer.sdp))
            harden_data(self._connection)
            await self._connection.setLocalDescription()
            self._tap.listening()
        except _REFUSED as error:
            raise Invalid(f"the offer cannot be answered: {error}") from error
        return self._connection.localDescription.sdp

    async def add_candidates(self, fragment: Fragment) -> None:
        """Raises NotSupported when the fragment asks for an ICE restart, Invalid on a bad candidate."""
        if fragment.ice_user and fragment.ice_user != self._ice_user:
            raise NotSupported("an ICE restart needs a new WHEP session", code="ice_restart")
        try:
            for candidate in fragment.candidates:
                await self._connection.addIceCandidate(candidate)
            if fragment.ended:
                await self._connection.addIceCandidate(None)
        except ValueError as error:
            raise Invalid(f"ICE candidate refused: {error}") from error

    async def close(self) -> None:
        """Within 3 s: what a silent TURN server still holds, for half a minute, ends by itself."""
        closing = asyncio.ensure_future(self._connection.close())
        await asyncio.wait({closing}, timeout=_CLOSE_S)
        if closing.done():
            closing.result()

    async def _next_picture(self) -> CodedPicture:
        unit = await self._sink.track.next_unit()
        if self._channel is not None:
            self._channel.tell_picture(live=unit.live)
        due = unit.key or self._told_pts is None or unit.pts - self._told_pts >= _TELL_TIME_EVERY
        if due:
            self._told_pts = unit.pts
        interval_ns = int(1_000_000_000 / max(Fraction(1), unit.format.video.fps))
        return CodedPicture(self._payloads.payloads(unit), unit.pts, unit.utc_ns if due else None, interval_ns)


def _check_bundle(sdp: str) -> None:
    """aiortc leaves sections that are bundled with an absent one without a transport. Raises Invalid."""
    description = SessionDescription.parse(sdp)
    bundles = [group.items[0] for group in description.group if group.semantic == "BUNDLE" and group.items]
    for first in bundles:
        if first not in [media.rtp.muxId for media in description.media]:
            raise Invalid(f"the offer bundles with a section {str(first)[:40]!r} that it does not have")
