"""What comes in from the network, before aiortc: strangers stay out, and nothing raises. Read against aiortc 1.16.0.

One bad datagram would end aiortc's transport, and some of these anybody can send. `adapter.py` is the other file that
reaches into aiortc; `tests/contract/test_aiortc_internals.py` holds both to it.
"""

from __future__ import annotations

import logging
import struct
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from aiortc import RTCRtpSender
from aiortc.rtp import RTCP_PSFB_FIR, RtcpPsfbPacket

from edge.model.errors import Invalid
from edge.rtc.transport_feedback import split_feedback

_LOG = logging.getLogger(__name__)
_FIR_ENTRY = struct.Struct("!LB3x")
_STUN_FIRST_BYTE = 3  # RFC 7983
_HOSTILE = (ValueError, LookupError, ArithmeticError, TypeError, AttributeError, AssertionError, struct.error)


def guard_transport(transport: Any, *, on_feedback: Callable[[bytes], None]) -> None:
    """Of an RTCDtlsTransport: takes out transport feedback, mends routing, lets nothing raise.

    `on_feedback` gets one RTCP packet and may raise Invalid.
    """
    _Gate(transport, on_feedback=on_feedback)


def guard_sockets(connection: Any) -> None:
    """Let in nothing but STUN from addresses that are no candidate's, as they are after an authenticated check.

    A stranger's DTLS could end a handshake, and STUN with an attribute of a wrong size would raise into the event loop.
    """
    for protocol in connection._protocols:
        protocol.datagram_received = partial(_let_in, connection, protocol.datagram_received)
    while not connection._queue.empty():  # nobody can have had a reason to send yet
        connection._queue.get_nowait()


def _let_in(
    connection: Any, receive: Callable[[bytes, Sequence[Any]], None], datagram: bytes, source: Sequence[Any]
) -> None:
    known = ((candidate._network_host, candidate.port) for candidate in connection._remote_candidates)
    if not datagram or (datagram[0] > _STUN_FIRST_BYTE and (source[0], source[1]) not in known):
        return
    try:
        receive(datagram, source)
    except _HOSTILE as error:
        _LOG.debug("datagram ignored: aioice raised %r", error)


class _Gate:
    """An empty datagram would end the transport by IndexError, and anybody can send one. A viewer sends no media: its
    RTP goes nowhere. FIR names its target in the FCI and has 0 as media source (RFC 5104 4.3.1.2), which aiortc
    overlooks.
    """

    def __init__(self, transport: Any, *, on_feedback: Callable[[bytes], None]) -> None:
        self._on_feedback = on_feedback
        self._level = logging.WARNING  # once in a session, lest a viewer fill the log
        self._receive = transport.transport._recv
        self._handle = transport._handle_rtcp_data
        self._router = transport._rtp_router
        self._route = self._router.route_rtcp
        transport.transport._recv = self._next
        transport._handle_rtcp_data = self._rtcp
        transport._handle_rtp_data = self._rtp
        self._router.route_rtcp = self._recipients

    async def _next(self) -> bytes:
        while not (datagram := await self._receive()):
            pass
        return bytes(datagram)

    async def _rtp(self, datagram: bytes, arrival_time_ms: int) -> None:
        """To nobody."""

    async def _rtcp(self, datagram: bytes) -> None:
        try:
            rest, feedback = split_feedback(datagram)
            for packet in feedback:
                self._on_feedback(packet)
            if rest:
                await self._handle(rest)
        except Invalid as error:
            _LOG.debug("RTCP ignored: %s", error)
        except _HOSTILE as error:
            _LOG.log(self._level, "RTCP ignored, it raised %r", error)
            self._level = logging.DEBUG

    def _recipients(self, packet: object) -> set[RTCRtpSender]:
        try:
            recipients: set[RTCRtpSender] = self._route(packet)
        except struct.error:  # a truncated REMB
            return set()
        if isinstance(packet, RtcpPsfbPacket) and packet.fmt == RTCP_PSFB_FIR:
            senders = self._router.senders
            recipients |= {senders[ssrc] for ssrc in _fir_targets(packet.fci) if ssrc in senders}
        return recipients


def _fir_targets(fci: bytes) -> list[int]:
    whole = len(fci) // _FIR_ENTRY.size * _FIR_ENTRY.size
    return [ssrc for ssrc, _ in _FIR_ENTRY.iter_unpack(fci[:whole])]
