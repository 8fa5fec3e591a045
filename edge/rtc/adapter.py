"""Where we reach into aiortc's internals. Read against aiortc 1.16.0; nothing else here touches them.

aiortc sends pre-encoded pictures, but ignores for them what receivers ask (PLI, FIR, REMB), routes
no FIR at all, remembers only 128 packets for retransmission, knows neither capture time nor playout
delay, and spends on each packet's objects more than on encrypting and sending it. So its RTP loop is
replaced by ours over `RtpStream`; its ICE, DTLS, SRTP, RTCP reports and negotiation stay.
`tests/contract/test_aiortc_internals.py` holds each internal named below to its behaviour.
"""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import aiortc
from aiortc import RTCRtpSender, RTCRtpTransceiver
from aiortc.mediastreams import MediaStreamError
from aiortc.rtcrtpparameters import RTCRtpCodecParameters, RTCRtpHeaderExtensionParameters
from aiortc.rtp import (
    RTCP_PSFB_APP,
    RTCP_PSFB_FIR,
    AnyRtcpPacket,
    RtcpPsfbPacket,
    RtcpRrPacket,
    RtcpSrPacket,
    unpack_remb_fci,
)

from edge.model.errors import Fault
from edge.rtc.rtp_stream import ABS_CAPTURE_TIME, PLAYOUT_DELAY, CodedPicture, Negotiated, RtpStream, ntp_of

READ_AGAINST = "1.16.0"
_PRIVATE = "_RTCRtpSender__"  # how Python mangles the sender's private names
_LEVEL_4_2 = "2a"
_FIR_ENTRY = struct.Struct("!LB3x")


@dataclass(frozen=True, slots=True)
class PathReport:
    """What the receiver last said. `lost` counts packets since the start."""

    rtt_ms: float | None = None
    lost: int = 0
    remb_bps: int | None = None


def check_aiortc() -> None:
    """Raises Fault when another aiortc than the one read is installed."""
    if aiortc.__version__.rsplit(".", 1)[0] != READ_AGAINST.rsplit(".", 1)[0]:
        raise Fault(f"aiortc {aiortc.__version__} is installed, edge/rtc/adapter.py was read against {READ_AGAINST}")


class SenderTap:
    """Sends ready payloads through one RTCRtpSender and hears what its receiver asks.

    Use: construct before the remote description is set, `negotiated` after it. `utc_ns` tells the
    time for sender reports and abs-send-time. The sender's track is stopped when sending has ended.
    """

    def __init__(
        self,
        transceiver: RTCRtpTransceiver,
        *,
        next_picture: Callable[[], Awaitable[CodedPicture]],
        on_keyframe_wanted: Callable[[str], None],
        utc_ns: Callable[[], int],
    ) -> None:
        self._transceiver = transceiver
        sender: Any = transceiver.sender
        self._sender = sender
        self._next_picture = next_picture
        self._on_keyframe_wanted = on_keyframe_wanted
        self._utc_ns = utc_ns
        self._handle_rtcp = sender._handle_rtcp_packet
        self._stream: RtpStream | None = None
        self.report = PathReport()
        sender._run_rtp = self._run
        sender._retransmit = self._retransmit
        sender._handle_rtcp_packet = self._hear
        sender._send_keyframe = self._picture_lost

    def negotiated(self, offered: Sequence[RTCRtpHeaderExtensionParameters]) -> None:
        """Put level and timing extensions into the answer to come, and mend the routing of RTCP."""
        transceiver: Any = self._transceiver
        ours = [extension for extension in offered if extension.uri in (ABS_CAPTURE_TIME, PLAYOUT_DELAY)]
        transceiver._headerExtensions = [*transceiver._headerExtensions, *ours]
        for codec in transceiver._codecs:
            if profile := codec.parameters.get("profile-level-id"):
                codec.parameters["profile-level-id"] = str(profile)[:4] + _LEVEL_4_2
        _mend_routing(self._sender.transport._rtp_router)

    async def _run(self, codec: RTCRtpCodecParameters) -> None:
        """In place of the sender's own loop; `stop()` waits for the two events."""
        self._private("rtp_started").set()
        stream = self._stream = RtpStream(self._settled(codec))
        try:
            with contextlib.suppress(ConnectionError, MediaStreamError):
                while True:
                    await self._send(stream, await self._next_picture())
        finally:
            self._sender.track.stop()
            self._private("rtp_exited").set()

    async def _send(self, stream: RtpStream, picture: CodedPicture) -> None:
        utc_ns = self._utc_ns()
        send = self._sender.transport._send_rtp
        for packet in stream.packets(picture, utc_ns=utc_ns):
            await send(packet)
        self._tell("ntp_timestamp", ntp_of(utc_ns))
        self._tell("rtp_timestamp", stream.timestamp)
        self._tell("octet_count", stream.octets_sent)
        self._tell("packet_count", stream.packets_sent)

    async def _retransmit(self, sequence: int) -> None:
        packet = None if self._stream is None else self._stream.retransmission(sequence)
        if packet is not None:
            await self._sender.transport._send_rtp(packet)

    def _settled(self, codec: RTCRtpCodecParameters) -> Negotiated:
        transceiver: Any = self._transceiver
        return Negotiated(
            payload_type=codec.payloadType or 0,
            ssrc=self._sender._ssrc,
            rtx_ssrc=self._sender._rtx_ssrc,
            rtx_payload_type=self._private("rtx_payload_type"),
            mid=transceiver.mid or "",
            extensions={extension.uri: extension.id for extension in transceiver._headerExtensions},
        )

    def _private(self, name: str) -> Any:
        return getattr(self._sender, _PRIVATE + name)

    def _tell(self, name: str, value: int) -> None:
        """For the sender reports, which aiortc makes from these."""
        setattr(self._sender, _PRIVATE + name, value)

    def _picture_lost(self) -> None:
        self._on_keyframe_wanted("picture lost")

    async def _hear(self, packet: AnyRtcpPacket) -> None:
        if isinstance(packet, RtcpPsfbPacket) and packet.fmt == RTCP_PSFB_APP:
            self._hear_remb(packet)
            return
        await self._handle_rtcp(packet)
        if isinstance(packet, RtcpRrPacket | RtcpSrPacket):
            await self._hear_report()

    def _hear_remb(self, packet: RtcpPsfbPacket) -> None:
        try:
            bitrate_bps, ssrcs = unpack_remb_fci(packet.fci)
        except (ValueError, struct.error):
            return
        if self._sender._ssrc in ssrcs:
            self.report = replace(self.report, remb_bps=bitrate_bps)

    async def _hear_report(self) -> None:
        for stats in (await self._sender.getStats()).values():
            if stats.type == "remote-inbound-rtp":
                rtt_s = stats.roundTripTime
                rtt_ms = None if rtt_s is None else round(max(0.0, rtt_s) * 1000, 2)
                self.report = replace(self.report, rtt_ms=rtt_ms, lost=max(0, stats.packetsLost))


def _mend_routing(router: Any) -> None:
    """FIR names its target in the FCI and has 0 as media source (RFC 5104 4.3.1.2); aiortc overlooks that.

    A truncated REMB would end the session's transport with struct.error: it goes to nobody.
    """
    route = router.route_rtcp

    def route_rtcp(packet: object) -> set[RTCRtpSender]:
        try:
            recipients: set[RTCRtpSender] = route(packet)
        except struct.error:
            return set()
        if isinstance(packet, RtcpPsfbPacket) and packet.fmt == RTCP_PSFB_FIR:
            recipients |= {router.senders[ssrc] for ssrc in _fir_targets(packet.fci) if ssrc in router.senders}
        return recipients

    router.route_rtcp = route_rtcp


def _fir_targets(fci: bytes) -> list[int]:
    whole = len(fci) // _FIR_ENTRY.size * _FIR_ENTRY.size
    return [ssrc for ssrc, _ in _FIR_ENTRY.iter_unpack(fci[:whole])]
