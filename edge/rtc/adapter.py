"""Where we reach into aiortc's internals. Read against aiortc 1.16.0; nothing else but the gate touches them.

aiortc sends pre-encoded pictures, but ignores for them what receivers ask (PLI, FIR, REMB), routes
no FIR at all, remembers only 128 packets for retransmission, knows neither capture time nor playout
delay nor transport-wide feedback, paces nothing, and spends on each packet's objects more than on encrypting and
sending it. So its RTP loop is replaced by ours over `Outflow`; its ICE, DTLS, SRTP, sender reports and negotiation
stay. What comes in passes `edge/rtc/gate.py` first, the other file that knows aiortc from inside.
`tests/contract/test_aiortc_internals.py` holds each internal named below to its behaviour.
"""

from __future__ import annotations

import contextlib
import struct
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

import aiortc
from aiortc import RTCRtpTransceiver
from aiortc.mediastreams import MediaStreamError
from aiortc.rtcrtpparameters import RTCRtcpFeedback, RTCRtpCodecParameters, RTCRtpHeaderExtensionParameters
from aiortc.rtp import (
    RTCP_PSFB_APP,
    RTCP_RTPFB_NACK,
    AnyRtcpPacket,
    RtcpPsfbPacket,
    RtcpReceiverInfo,
    RtcpRrPacket,
    RtcpRtpfbPacket,
    RtcpSrPacket,
    unpack_remb_fci,
)

from edge.model.errors import Fault
from edge.model.feedback import LinkReport
from edge.ports import Clock
from edge.rtc.gate import guard_sockets, guard_transport
from edge.rtc.outflow import Outflow
from edge.rtc.path_meter import PathMeter
from edge.rtc.rtp_stream import (
    ABS_CAPTURE_TIME,
    PLAYOUT_DELAY,
    CodedPicture,
    Negotiated,
    RtpStream,
    ntp_of,
)
from edge.rtc.transport_feedback import TRANSPORT_WIDE, parse_feedback

READ_AGAINST = "1.16.0"
_PRIVATE = "_RTCRtpSender__"  # how Python mangles the sender's private names
_LEVEL_4_2 = "2a"
_FULL_SOCKET = 64 << 10
_MOST_RTT_MS = 60_000.0


@dataclass(frozen=True, slots=True)
class PathReport:
    """What the receiver last said. `lost` counts packets since the start."""

    rtt_ms: float | None = None
    lost: int = 0
    remb_bps: int | None = None


@dataclass(frozen=True, slots=True)
class Repeats:
    """Packets that the receiver asked for again, since the start: sent; asked for too late; refused as too many."""

    sent: int = 0
    too_late: int = 0
    refused: int = 0


def check_aiortc() -> None:
    """Raises Fault when another aiortc than the one read is installed."""
    if aiortc.__version__.rsplit(".", 1)[0] != READ_AGAINST.rsplit(".", 1)[0]:
        raise Fault(f"aiortc {aiortc.__version__} is installed, edge/rtc/adapter.py was read against {READ_AGAINST}")


class SenderTap:
    """Sends ready payloads through one RTCRtpSender and hears what its receiver asks.

    Use: construct before the remote description is set, `negotiated` after it. `waiting_ns` tells how long the next
    picture has been waiting, None when there is none; `start_anew` lets pictures go until a keyframe. The sender's
    track is stopped when sending has ended.
    """

    def __init__(
        self,
        transceiver: RTCRtpTransceiver,
        *,
        next_picture: Callable[[], Awaitable[CodedPicture]],
        waiting_ns: Callable[[], int | None],
        on_keyframe_wanted: Callable[[str], None],
        start_anew: Callable[[], None],
        on_report: Callable[[LinkReport], None],
        meter: PathMeter,
        clock: Clock,
    ) -> None:
        self._transceiver = transceiver
        sender: Any = transceiver.sender
        self._sender = sender
        self._next_picture = next_picture
        self._waiting_ns = waiting_ns
        self._on_keyframe_wanted = on_keyframe_wanted
        self._start_anew = start_anew
        self._on_report = on_report
        self._meter = meter
        self._clock = clock
        self._handle_rtcp = sender._handle_rtcp_packet
        self._outflow: Outflow | None = None
        self.report = PathReport()
        sender._run_rtp = self._run
        sender._handle_rtcp_packet = self._hear
        sender._send_keyframe = self._picture_lost

    @property
    def repeats(self) -> Repeats:
        out = self._outflow
        return Repeats() if out is None else Repeats(out.repeated, out.stream.kept.too_late, out.refused)

    def negotiated(
        self, offered: Sequence[RTCRtpHeaderExtensionParameters], *, transport_cc: Collection[str] = ()
    ) -> None:
        """Put level, timing and transport-wide feedback into the answer to come, and guard what comes in.

        `transport_cc`: the payload types that the offer has this feedback for, `*` for all.
        """
        transceiver: Any = self._transceiver
        wanted = {ABS_CAPTURE_TIME, PLAYOUT_DELAY}
        for codec in transceiver._codecs:
            if profile := codec.parameters.get("profile-level-id"):
                codec.parameters["profile-level-id"] = str(profile)[:4] + _LEVEL_4_2
                if "*" in transport_cc or str(codec.payloadType) in transport_cc:
                    codec.rtcpFeedback.append(RTCRtcpFeedback(type="transport-cc"))
                    wanted.add(TRANSPORT_WIDE)
        ours = [extension for extension in offered if extension.uri in wanted]
        transceiver._headerExtensions = [*transceiver._headerExtensions, *ours]
        guard_transport(self._sender.transport, on_feedback=self._hear_feedback)

    def listening(self) -> None:
        """To be called once the sockets are open: from now on only those whom ICE knows are heard."""
        guard_sockets(self._sender.transport.transport._connection)

    async def _run(self, codec: RTCRtpCodecParameters) -> None:
        """In place of the sender's own loop; `stop()` waits for the two events."""
        self._private("rtp_started").set()
        outflow = self._outflow = Outflow(
            stream=RtpStream(self._settled(codec)),
            meter=self._meter,
            clock=self._clock,
            send=self._sender.transport._send_rtp,
            behind=lambda: self._waiting_ns() is not None,
            clogged=lambda: _unsent_bytes(self._sender.transport) > _FULL_SOCKET,
            start_anew=self._start_anew,
        )
        try:
            with contextlib.suppress(ConnectionError, MediaStreamError):
                while True:
                    await self._send(outflow, await self._next_picture())
        finally:
            outflow.stream.kept.clear()  # must not wait until the garbage collector finds aiortc's cycles
            self._meter.forget()
            self._sender.track.stop()
            self._private("rtp_exited").set()

    async def _send(self, outflow: Outflow, picture: CodedPicture) -> None:
        utc_ns = self._clock.utc_ns()
        await outflow.send_picture(picture)
        stream = outflow.stream
        self._tell("ntp_timestamp", ntp_of(utc_ns))
        self._tell("rtp_timestamp", stream.timestamp)
        self._tell("octet_count", stream.octets_sent)
        self._tell("packet_count", stream.packets_sent)
        self.report_when_due()

    def report_when_due(self) -> None:
        """Reports go on while no picture does: what is not sent is not lost."""
        now_ns = self._clock.mono_ns()
        if self._outflow is None or not self._meter.due(now_ns):
            return
        backlog_ns = max(self._waiting_ns() or 0, self._outflow.age_ns(now_ns))
        report = self._meter.report(now_ns=now_ns, backlog_ms=backlog_ns / 1e6)
        if report is not None:
            self._on_report(report)

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
        if isinstance(packet, RtcpRrPacket | RtcpSrPacket):
            for report in packet.reports:
                if report.ssrc == self._sender._ssrc:
                    self._hear_report(report)
        elif isinstance(packet, RtcpRtpfbPacket) and packet.fmt == RTCP_RTPFB_NACK:
            if self._outflow is not None:
                await self._outflow.send_again(packet.lost)
        elif isinstance(packet, RtcpPsfbPacket) and packet.fmt == RTCP_PSFB_APP:
            self._hear_remb(packet)
        else:
            await self._handle_rtcp(packet)

    def _hear_feedback(self, packet: bytes) -> None:
        """Raises Invalid."""
        self._meter.heard_feedback(parse_feedback(packet), self._clock.mono_ns())
        self.report_when_due()

    def _hear_remb(self, packet: RtcpPsfbPacket) -> None:
        try:
            bitrate_bps, ssrcs = unpack_remb_fci(packet.fci)
        except (ValueError, struct.error):
            return
        if self._sender._ssrc in ssrcs:
            self.report = replace(self.report, remb_bps=bitrate_bps)
            self._meter.heard_limit(bitrate_bps)

    def _hear_report(self, report: RtcpReceiverInfo) -> None:
        """The round trip counts only by the last sender report (RFC 3550 6.4.1, A.8)."""
        rtt_ms = None
        if report.dlsr and report.lsr == self._private("lsr"):
            trip_s = time.time() - self._private("lsr_time") - report.dlsr / 65536
            rtt_ms = round(min(max(0.0, trip_s * 1000), _MOST_RTT_MS), 2)
            self.report = replace(self.report, rtt_ms=rtt_ms)
        self.report = replace(self.report, lost=max(0, report.packets_lost))
        self._meter.heard_report(loss=report.fraction_lost / 256, rtt_ms=rtt_ms, now_ns=self._clock.mono_ns())


def _unsent_bytes(transport: Any) -> int:
    """What the selected pair's socket has not taken yet; a relay's is not known, so none."""
    pair = transport.transport._connection._nominated.get(1)
    size = getattr(pair and pair.protocol.transport, "get_write_buffer_size", None)
    return size() if size else 0
