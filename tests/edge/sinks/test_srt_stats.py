from __future__ import annotations

import ctypes

import pytest

from edge.sinks.srt_stats import BytePerfMon


@pytest.mark.parametrize(
    ("field", "offset"),
    [  # offsetof() as a C compiler gives it for srt.h of 1.5.1 on a 64-bit system
        ("pktSndLossTotal", 24),
        ("pktRetransTotal", 32),
        ("pktSndDropTotal", 64),
        ("byteSentTotal", 80),
        ("pktSent", 136),
        ("mbpsSendRate", 184),
        ("pktRcvAvgBelatedTime", 216),
        ("byteSent", 248),
        ("pktFlightSize", 320),
        ("msRTT", 328),
        ("mbpsBandwidth", 336),
        ("pktSndBuf", 364),
        ("msSndBuf", 372),
        ("msRcvTsbPdDelay", 392),
        ("pktReorderTolerance", 428),
        ("pktSentUniqueTotal", 432),
        ("byteRecvUnique", 488),
        ("room", 496),
    ],
)
def test_layout_is_that_of_the_c_header(field: str, offset: int) -> None:
    assert getattr(BytePerfMon, field).offset == offset


def test_numbers_of_both_directions_are_added_up() -> None:
    perf = BytePerfMon()
    perf.pktSndLossTotal, perf.pktRcvLossTotal = 3, 4
    perf.pktSndDropTotal, perf.pktRcvDropTotal = 1, 2
    perf.msRTT, perf.mbpsBandwidth, perf.msSndBuf, perf.pktFlightSize = 48.1234, 12.5, 7, 9
    stats = perf.frozen()
    assert (stats.lost_packets, stats.dropped_packets) == (7, 3)
    assert (stats.rtt_ms, stats.bandwidth_bps, stats.send_buffer_ms, stats.flight_packets) == (48.123, 12_500_000, 7, 9)


def test_newer_library_may_append_fields() -> None:
    assert ctypes.sizeof(BytePerfMon) >= 496 + 256
