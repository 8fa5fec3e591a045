"""Each internal of aiortc that edge/rtc/adapter.py reaches into, held to what is needed of it."""

from __future__ import annotations

import asyncio
import contextlib
import struct
import time
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import aiortc
import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, VideoStreamTrack
from aiortc.codecs.h264 import H264PayloadDescriptor
from aiortc.rtcdtlstransport import RtpRouter
from aiortc.rtcrtpparameters import RTCRtpCodecParameters
from aiortc.rtp import (
    RTCP_PSFB_APP,
    RTCP_PSFB_FIR,
    RTCP_PSFB_PLI,
    RTCP_RTPFB_NACK,
    RtcpPacket,
    RtcpPsfbPacket,
    RtcpReceiverInfo,
    RtcpRrPacket,
    RtcpRtpfbPacket,
    RtcpSrPacket,
    RtpPacket,
    is_rtcp,
    pack_remb_fci,
)

from edge.model.feedback import LinkReport, Role
from edge.rtc import adapter
from edge.rtc.adapter import Repeats, SenderTap
from edge.rtc.gate import guard_sockets
from edge.rtc.path_meter import PathMeter
from edge.rtc.rtp_stream import PLAYOUT_DELAY, CodedPicture, ntp_of
from edge.rtc.transport_feedback import TRANSPORT_WIDE

NOON_NS = 1_795_435_200_500_000_000


@pytest.fixture
async def connection() -> AsyncIterator[RTCPeerConnection]:
    peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    yield peer
    await peer.close()


class NoonClock:
    """UTC that stands still over a monotonic clock that runs."""

    def mono_ns(self) -> int:
        return time.monotonic_ns()

    def utc_ns(self, mono_ns: int | None = None) -> int:
        return NOON_NS

    def synchronised(self) -> bool:
        return True

    def uncertainty_us(self) -> int | None:
        return 0


class Tapped:
    """A tapped sender whose packets go into a list instead of the network."""

    def __init__(self, connection: RTCPeerConnection) -> None:
        self.transceiver = connection.addTransceiver(VideoStreamTrack(), direction="sendonly")
        self.sender: Any = self.transceiver.sender
        self.wanted: list[str] = []
        self.reports: list[LinkReport] = []
        self.pictures: asyncio.Queue[CodedPicture] = asyncio.Queue()
        self.tap = SenderTap(
            self.transceiver,
            next_picture=self.pictures.get,
            waiting_ns=lambda: None if self.pictures.empty() else 0,
            on_keyframe_wanted=self.wanted.append,
            start_anew=lambda: self.wanted.append("anew"),
            on_report=self.reports.append,
            meter=PathMeter(sink="viewer-1", role=Role.GUIDE),
            clock=NoonClock(),
        )
        self.sent: list[bytes] = []
        self.sender.transport._send_rtp = self._send

    async def _send(self, raw: bytes) -> None:
        self.sent.append(raw)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        codec = RTCRtpCodecParameters(mimeType="video/H264", clockRate=90_000, payloadType=96)
        task = asyncio.ensure_future(self.sender._run_rtp(codec))
        yield
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    async def settled(self, packets: int) -> None:
        async with asyncio.timeout(5):
            while len(self.sent) < packets:
                await asyncio.sleep(0)


@pytest.fixture
def tapped(connection: RTCPeerConnection) -> Tapped:
    return Tapped(connection)


def test_the_installed_version_is_the_one_read() -> None:
    assert aiortc.__version__ == adapter.READ_AGAINST


@pytest.mark.parametrize(
    "name",
    [
        "_handle_rtcp_packet",
        "_run_rtp",
        "_send_keyframe",
        "_ssrc",
        "_rtx_ssrc",
        "_RTCRtpSender__rtp_started",
        "_RTCRtpSender__rtp_exited",
        "_RTCRtpSender__rtx_payload_type",
        "_RTCRtpSender__ntp_timestamp",
        "_RTCRtpSender__rtp_timestamp",
        "_RTCRtpSender__octet_count",
        "_RTCRtpSender__packet_count",
        "_RTCRtpSender__lsr",
        "_RTCRtpSender__lsr_time",
    ],
)
async def test_the_sender_still_has(connection: RTCPeerConnection, name: str) -> None:
    assert hasattr(connection.addTransceiver("video").sender, name)


@pytest.mark.parametrize("name", ["_codecs", "_headerExtensions"])
async def test_the_transceiver_still_has(connection: RTCPeerConnection, name: str) -> None:
    assert getattr(connection.addTransceiver("video"), name) == []


async def test_the_transport_still_routes_rtcp_by_a_router(connection: RTCPeerConnection) -> None:
    router = connection.addTransceiver("video").sender.transport._rtp_router
    assert isinstance(router, RtpRouter)
    assert router.senders == {}


def test_the_h264_parser_of_the_tests_is_still_there() -> None:
    assert H264PayloadDescriptor.parse(b"\x67sps")[1] == b"\x00\x00\x00\x01\x67sps"


async def test_ready_payloads_go_out_as_packets_of_one_timestamp(tapped: Tapped) -> None:
    async with tapped.running():
        for pts in (90_000, 93_000):
            tapped.pictures.put_nowait(CodedPicture([b"a" * 10, b"b" * 20], pts, None))
        await tapped.settled(4)
    packets = [RtpPacket.parse(raw) for raw in tapped.sent[:4]]
    assert [packet.payload for packet in packets] == [b"a" * 10, b"b" * 20] * 2
    assert [packet.marker for packet in packets] == [0, 1, 0, 1]
    assert packets[0].timestamp == packets[1].timestamp
    assert (packets[2].timestamp - packets[0].timestamp) & 0xFFFFFFFF == 3000


async def test_timestamps_beyond_32_bits_wrap(tapped: Tapped) -> None:
    async with tapped.running():
        for pts in ((1 << 40) - 1, (1 << 40) + 2):
            tapped.pictures.put_nowait(CodedPicture([b"a"], pts, None))
        await tapped.settled(2)
    first, second = (RtpPacket.parse(raw).timestamp for raw in tapped.sent[:2])
    assert (second - first) & 0xFFFFFFFF == 3


@pytest.mark.parametrize("fmt", [RTCP_PSFB_PLI, RTCP_PSFB_FIR])
async def test_pli_and_fir_ask_for_a_keyframe(tapped: Tapped, fmt: int) -> None:
    await tapped.sender._handle_rtcp_packet(RtcpPsfbPacket(fmt=fmt, ssrc=1, media_ssrc=tapped.sender._ssrc))
    assert tapped.wanted == ["picture lost"]


async def test_fir_is_routed_by_the_target_in_its_body(tapped: Tapped) -> None:
    router = tapped.sender.transport._rtp_router
    router.register_sender(tapped.sender, ssrc=tapped.sender._ssrc)
    fir = RtcpPsfbPacket(
        fmt=RTCP_PSFB_FIR, ssrc=1, media_ssrc=0, fci=struct.pack("!LB3x", tapped.sender._ssrc, 1) + b"cut"
    )
    assert router.route_rtcp(fir) == set()
    tapped.tap.negotiated([])
    assert router.route_rtcp(fir) == {tapped.sender}


async def test_fir_for_somebody_else_is_not_ours(tapped: Tapped) -> None:
    router = tapped.sender.transport._rtp_router
    router.register_sender(tapped.sender, ssrc=tapped.sender._ssrc)
    tapped.tap.negotiated([])
    fci = struct.pack("!LB3x", tapped.sender._ssrc ^ 1, 1)
    assert router.route_rtcp(RtcpPsfbPacket(fmt=RTCP_PSFB_FIR, ssrc=1, media_ssrc=0, fci=fci)) == set()


async def test_remb_is_heard_by_the_sender_it_names(tapped: Tapped) -> None:
    for ssrc in (tapped.sender._ssrc, tapped.sender._ssrc ^ 1):
        own = ssrc == tapped.sender._ssrc
        fci = pack_remb_fci(2_000_000 if own else 1_000_000, [ssrc])
        await tapped.sender._handle_rtcp_packet(RtcpPsfbPacket(fmt=RTCP_PSFB_APP, ssrc=1, media_ssrc=0, fci=fci))
    assert tapped.tap.report.remb_bps == 2_000_000


@pytest.mark.parametrize("fci", [b"", b"REMB", b"REMB\x05\x00\x00\x01", b"JUNKJUNKJUNK"])
async def test_a_broken_remb_is_ignored(tapped: Tapped, fci: bytes) -> None:
    remb = RtcpPsfbPacket(fmt=RTCP_PSFB_APP, ssrc=1, media_ssrc=0, fci=fci)
    tapped.tap.negotiated([])
    assert tapped.sender.transport._rtp_router.route_rtcp(remb) == set()
    await tapped.sender._handle_rtcp_packet(remb)
    assert tapped.tap.report.remb_bps is None


async def test_a_packet_lost_hundreds_of_packets_ago_is_sent_again(tapped: Tapped) -> None:
    async with tapped.running():
        tapped.pictures.put_nowait(CodedPicture([b"%04d" % index for index in range(1500)], 1, None))
        await tapped.settled(1500)
        number = RtpPacket.parse(tapped.sent[700]).sequence_number
        nack = RtcpRtpfbPacket(fmt=RTCP_RTPFB_NACK, ssrc=1, media_ssrc=tapped.sender._ssrc, lost=[number])
        await tapped.sender._handle_rtcp_packet(nack)
        assert tapped.sent[-1] == tapped.sent[700]
        nack.lost = [(number - 5000) & 0xFFFF]
        await tapped.sender._handle_rtcp_packet(nack)
        assert tapped.tap.repeats == Repeats(sent=1, too_late=1)


async def test_a_sender_that_has_ended_keeps_no_packets(tapped: Tapped) -> None:
    tapped.transceiver._headerExtensions = [SimpleNamespace(uri=TRANSPORT_WIDE, id=7)]  # type: ignore[list-item]
    async with tapped.running():
        tapped.pictures.put_nowait(CodedPicture([b"a" * 1000] * 20, 1, None))
        await tapped.settled(20)
        kept = tapped.tap._outflow.stream.kept  # type: ignore[union-attr]
        assert (len(kept), len(tapped.tap._meter._trail._flying)) == (20, 20)
    assert (len(kept), len(tapped.tap._meter._trail._flying)) == (0, 0)


async def test_sender_reports_tell_what_was_really_sent(tapped: Tapped) -> None:
    async with tapped.running():
        tapped.pictures.put_nowait(CodedPicture([b"a" * 10, b"b" * 20], 90_000, None))
        await tapped.settled(2)
        await asyncio.sleep(0)
        reporting = asyncio.ensure_future(tapped.sender._run_rtcp())
        async with asyncio.timeout(10):
            while not any(is_rtcp(raw) for raw in tapped.sent):
                await asyncio.sleep(0.05)
        reporting.cancel()
        await reporting
    report = next(packet for raw in tapped.sent if is_rtcp(raw) for packet in RtcpPacket.parse(raw))
    assert isinstance(report, RtcpSrPacket)
    assert (report.sender_info.packet_count, report.sender_info.octet_count) == (2, 30)
    assert report.sender_info.rtp_timestamp == RtpPacket.parse(tapped.sent[0]).timestamp
    assert report.sender_info.ntp_timestamp == ntp_of(NOON_NS)


async def test_an_error_while_sending_stops_the_track_and_does_not_hang_the_end(tapped: Tapped) -> None:
    tapped.pictures.put_nowait(CodedPicture([None], 1, None))  # type: ignore[list-item]
    codec = RTCRtpCodecParameters(mimeType="video/H264", clockRate=90_000, payloadType=96)
    with pytest.raises(TypeError):
        await tapped.sender._run_rtp(codec)
    assert tapped.sender.track.readyState == "ended"
    assert tapped.sender._RTCRtpSender__rtp_exited.is_set()


@pytest.mark.parametrize("offered_for", [["96"], ["*"], ["97"], []])
async def test_the_answered_level_extensions_and_feedback_are_ours_to_set(
    tapped: Tapped, offered_for: list[str]
) -> None:
    codec = SimpleNamespace(parameters={"profile-level-id": "42e01f"}, payloadType=96, rtcpFeedback=[])
    delay, wide = SimpleNamespace(uri=PLAYOUT_DELAY, id=5), SimpleNamespace(uri=TRANSPORT_WIDE, id=7)
    tapped.transceiver._codecs = [codec]  # type: ignore[list-item]
    offered = [delay, SimpleNamespace(uri="urn:other", id=6), wide]
    tapped.tap.negotiated(offered, transport_cc=offered_for)  # type: ignore[arg-type]
    taken = offered_for in (["96"], ["*"])
    assert codec.parameters["profile-level-id"] == "42e02a"
    assert [feedback.type for feedback in codec.rtcpFeedback] == (["transport-cc"] if taken else [])
    assert tapped.transceiver._headerExtensions == ([delay, wide] if taken else [delay])


FEEDBACK = bytes.fromhex("8fcd0005 00000001 00000002 00010002 00000a00 20020404")


async def test_transport_feedback_is_taken_out_before_aiortc_parses_and_makes_a_report(tapped: Tapped) -> None:
    tapped.tap.negotiated([])
    tapped.transceiver._headerExtensions = [SimpleNamespace(uri=TRANSPORT_WIDE, id=7)]  # type: ignore[list-item]
    router = tapped.sender.transport._rtp_router
    router.register_sender(tapped.sender, ssrc=tapped.sender._ssrc)
    async with tapped.running():
        tapped.pictures.put_nowait(CodedPicture([b"a", b"b"], 1, None))
        await tapped.settled(2)
        pli = bytes(RtcpPsfbPacket(fmt=RTCP_PSFB_PLI, ssrc=1, media_ssrc=tapped.sender._ssrc))
        await tapped.sender.transport._handle_rtcp_data(FEEDBACK + pli)
    assert tapped.wanted == ["picture lost"]
    [report] = tapped.reports
    assert (report.sink, report.loss, report.limit_bps) == ("viewer-1", 0.0, None)
    assert report.sent_bps > 0
    assert report.delivered_bps > 0


@pytest.mark.parametrize("raw", [FEEDBACK[:-4], FEEDBACK[:20], b"\x8f\xcd\x00", b"\x8f\xcd\x00\x00", b"\x80", b""])
async def test_broken_rtcp_raises_nothing(tapped: Tapped, raw: bytes) -> None:
    tapped.tap.negotiated([])
    await tapped.sender.transport._handle_rtcp_data(raw)
    assert tapped.reports == []


async def test_an_empty_datagram_is_not_given_to_aiortc(tapped: Tapped) -> None:
    ice = tapped.sender.transport.transport
    datagrams = iter([b"", b"", b"\x80full"])

    async def receive() -> bytes:
        return next(datagrams)

    ice._recv = receive
    tapped.tap.negotiated([])
    assert await ice._recv() == b"\x80full"


async def test_the_socket_of_the_selected_pair_tells_what_it_has_not_sent(tapped: Tapped) -> None:
    transport = tapped.sender.transport
    assert adapter._unsent_bytes(transport) == 0
    selected = SimpleNamespace(protocol=SimpleNamespace(transport=SimpleNamespace(get_write_buffer_size=lambda: 7)))
    assert transport.transport._connection._nominated == {}
    transport.transport._connection._nominated[1] = selected
    assert adapter._unsent_bytes(transport) == 7
    transport.transport._connection._nominated.clear()


async def test_a_receiver_report_tells_loss_and_round_trip(tapped: Tapped) -> None:
    tapped.sender._RTCRtpSender__lsr, tapped.sender._RTCRtpSender__lsr_time = 77, time.time() - 0.5
    about = {"ssrc": tapped.sender._ssrc, "highest_sequence": 9, "jitter": 0}
    for lost, lsr, dlsr in ((3, 77, 1), (4, 76, 1), (5, 77, 0)):
        info = RtcpReceiverInfo(fraction_lost=64, packets_lost=lost, lsr=lsr, dlsr=dlsr, **about)
        await tapped.sender._handle_rtcp_packet(RtcpRrPacket(ssrc=1, reports=[info]))
    assert tapped.tap.report.lost == 5
    assert 500 <= (tapped.tap.report.rtt_ms or 0) < 5000


async def test_aioice_still_keeps_its_sockets_candidates_and_queue_where_we_look(connection: RTCPeerConnection) -> None:
    connection.createDataChannel("any")
    await connection.setLocalDescription()
    ice = connection.sctp.transport.transport._connection
    assert ice._protocols
    assert all(callable(protocol.datagram_received) for protocol in ice._protocols)
    assert ice._remote_candidates == []
    assert isinstance(ice._queue, asyncio.Queue)


class HeardDatagrams:
    """A connection of aioice as far as sockets are guarded, with one candidate."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self._protocols = [SimpleNamespace(datagram_received=self._receive)]
        self._remote_candidates = [SimpleNamespace(_network_host="10.0.0.1", port=4000)]
        self._queue: asyncio.Queue[Any] = asyncio.Queue()

    def _receive(self, datagram: bytes, source: Any) -> None:
        if datagram.startswith(b"\0bad"):
            raise struct.error
        self.heard.append(datagram)


@pytest.mark.parametrize(
    ("datagram", "source", "let_in"),
    [
        (b"\x16dtls", ("10.0.0.1", 4000), True),
        (b"\x16dtls", ("10.0.0.1", 4000, 0, 0), True),
        (b"\x16dtls", ("10.0.0.2", 4000), False),
        (b"\x80srtp", ("10.0.0.1", 4001), False),
        (b"\x00stun", ("10.0.0.2", 9), True),
        (b"\x00bad", ("10.0.0.1", 4000), False),
        (b"", ("10.0.0.1", 4000), False),
    ],
)
async def test_only_stun_comes_in_from_strangers(datagram: bytes, source: Any, let_in: bool) -> None:
    ice = HeardDatagrams()
    ice._queue.put_nowait(b"early")
    guard_sockets(ice)
    ice._protocols[0].datagram_received(datagram, source)
    assert ice.heard == ([datagram] if let_in else [])
    assert ice._queue.empty()
