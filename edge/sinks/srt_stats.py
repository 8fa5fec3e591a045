"""SRT's own numbers of a connection: the C struct and what we keep of it."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass

_I, _L, _U, _D = ctypes.c_int, ctypes.c_int64, ctypes.c_uint64, ctypes.c_double


@dataclass(frozen=True, slots=True)
class SrtStats:
    """Totals since the connection began; round trip, buffer, flight and bandwidth as of now.

    `sent_packets` includes retransmissions, `unique_packets` does not; bytes include the headers
    of SRT, UDP and IP. `dropped_packets` were too late to send (sender) or to play (receiver).
    `acknowledgements` came from the receiver. What is in flight or waits to be is in the send
    buffer until it is acknowledged. `bandwidth_bps` is libsrt's estimate of the path, `pace_bps`
    the most that it sends now.
    """

    rtt_ms: float
    sent_packets: int
    sent_bytes: int
    unique_packets: int
    unique_bytes: int
    received_packets: int
    received_bytes: int
    lost_packets: int
    retransmitted_packets: int
    dropped_packets: int
    undecrypted_packets: int
    acknowledgements: int
    send_buffer_ms: int
    send_buffer_packets: int
    flight_packets: int
    mean_send_bps: int
    bandwidth_bps: int
    pace_bps: int


class BytePerfMon(ctypes.Structure):
    """struct CBytePerfMon of srt.h 1.5 (496 bytes on 64-bit systems); newer versions only append."""

    _fields_ = [
        ("msTimeStamp", _L),
        ("pktSentTotal", _L),
        ("pktRecvTotal", _L),
        ("pktSndLossTotal", _I),
        ("pktRcvLossTotal", _I),
        ("pktRetransTotal", _I),
        ("pktSentACKTotal", _I),
        ("pktRecvACKTotal", _I),
        ("pktSentNAKTotal", _I),
        ("pktRecvNAKTotal", _I),
        ("usSndDurationTotal", _L),
        ("pktSndDropTotal", _I),
        ("pktRcvDropTotal", _I),
        ("pktRcvUndecryptTotal", _I),
        ("byteSentTotal", _U),
        ("byteRecvTotal", _U),
        ("byteRcvLossTotal", _U),
        ("byteRetransTotal", _U),
        ("byteSndDropTotal", _U),
        ("byteRcvDropTotal", _U),
        ("byteRcvUndecryptTotal", _U),
        ("pktSent", _L),
        ("pktRecv", _L),
        ("pktSndLoss", _I),
        ("pktRcvLoss", _I),
        ("pktRetrans", _I),
        ("pktRcvRetrans", _I),
        ("pktSentACK", _I),
        ("pktRecvACK", _I),
        ("pktSentNAK", _I),
        ("pktRecvNAK", _I),
        ("mbpsSendRate", _D),
        ("mbpsRecvRate", _D),
        ("usSndDuration", _L),
        ("pktReorderDistance", _I),
        ("pktRcvAvgBelatedTime", _D),
        ("pktRcvBelated", _L),
        ("pktSndDrop", _I),
        ("pktRcvDrop", _I),
        ("pktRcvUndecrypt", _I),
        ("byteSent", _U),
        ("byteRecv", _U),
        ("byteRcvLoss", _U),
        ("byteRetrans", _U),
        ("byteSndDrop", _U),
        ("byteRcvDrop", _U),
        ("byteRcvUndecrypt", _U),
        ("usPktSndPeriod", _D),
        ("pktFlowWindow", _I),
        ("pktCongestionWindow", _I),
        ("pktFlightSize", _I),
        ("msRTT", _D),
        ("mbpsBandwidth", _D),
        ("byteAvailSndBuf", _I),
        ("byteAvailRcvBuf", _I),
        ("mbpsMaxBW", _D),
        ("byteMSS", _I),
        ("pktSndBuf", _I),
        ("byteSndBuf", _I),
        ("msSndBuf", _I),
        ("msSndTsbPdDelay", _I),
        ("pktRcvBuf", _I),
        ("byteRcvBuf", _I),
        ("msRcvBuf", _I),
        ("msRcvTsbPdDelay", _I),
        ("pktSndFilterExtraTotal", _I),
        ("pktRcvFilterExtraTotal", _I),
        ("pktRcvFilterSupplyTotal", _I),
        ("pktRcvFilterLossTotal", _I),
        ("pktSndFilterExtra", _I),
        ("pktRcvFilterExtra", _I),
        ("pktRcvFilterSupply", _I),
        ("pktRcvFilterLoss", _I),
        ("pktReorderTolerance", _I),
        ("pktSentUniqueTotal", _L),
        ("pktRecvUniqueTotal", _L),
        ("byteSentUniqueTotal", _U),
        ("byteRecvUniqueTotal", _U),
        ("pktSentUnique", _L),
        ("pktRecvUnique", _L),
        ("byteSentUnique", _U),
        ("byteRecvUnique", _U),
        ("room", ctypes.c_char * 256),  # for what a newer library appends
    ]

    def frozen(self) -> SrtStats:
        return SrtStats(
            rtt_ms=round(self.msRTT, 3),
            sent_packets=self.pktSentTotal,
            sent_bytes=self.byteSentTotal,
            unique_packets=self.pktSentUniqueTotal,
            unique_bytes=self.byteSentUniqueTotal,
            received_packets=self.pktRecvTotal,
            received_bytes=self.byteRecvTotal,
            lost_packets=self.pktSndLossTotal + self.pktRcvLossTotal,
            retransmitted_packets=self.pktRetransTotal,
            dropped_packets=self.pktSndDropTotal + self.pktRcvDropTotal,
            undecrypted_packets=self.pktRcvUndecryptTotal,
            acknowledgements=self.pktRecvACKTotal,
            send_buffer_ms=self.msSndBuf,
            send_buffer_packets=self.pktSndBuf,
            flight_packets=self.pktFlightSize,
            mean_send_bps=round(self.mbpsSendRate * 1e6),
            bandwidth_bps=round(self.mbpsBandwidth * 1e6),
            pace_bps=round(self.mbpsMaxBW * 1e6),
        )
