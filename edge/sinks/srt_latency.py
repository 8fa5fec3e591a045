"""Which latency a path needs, and its round trip measured before anything is connected.

A listener answers the first packet of SRT's handshake, the induction, without keeping anything of it
(draft-sharabayko-srt-01, 3.2.1 and 4.3.1.1): that round trip needs no connection, and no second one after it.
"""

from __future__ import annotations

import math
import secrets
import socket
import statistics
import struct
import time
from collections.abc import Callable

from edge.sinks.sockaddr import family_of, unpack

LEAST_MS, MOST_MS = 120, 8000
ROUND_TRIPS = 4  # measured: 5 % random loss leave nothing lost; three times do at 3 %
_PROBES = 3
_WAIT_S = 1.0
_PATIENCE_S = 0.05
_PACKET_BYTES = 1500
_CONTROL_HANDSHAKE = 0x80000000
_HEADER = struct.Struct("!IIII")  # type, additional, timestamp, destination socket
_BODY = struct.Struct("!IHHIIIIII16s")  # version, encryption, extension, ISN, MTU, window, type, socket, cookie, peer
_INDUCTION, _DGRAM, _HANDSHAKE_4 = 1, 2, 4
_WINDOW_PACKETS = 8192


def fitting_latency_ms(rtt_ms: float | None) -> int:
    """Four round trips, 120 ms at least, which is also for a path that nobody has measured."""
    return LEAST_MS if rtt_ms is None else min(MOST_MS, max(LEAST_MS, math.ceil(ROUND_TRIPS * rtt_ms)))


def induction(number: int) -> bytes:
    """The first packet of a handshake, from a socket of that number."""
    body = _BODY.pack(_HANDSHAKE_4, 0, _DGRAM, number, _PACKET_BYTES, _WINDOW_PACKETS, _INDUCTION, number, 0, bytes(16))
    return _HEADER.pack(_CONTROL_HANDSHAKE, 0, 0, 0) + body


def answered(packet: bytes) -> int | None:
    """The number of the socket whose induction this answers; None for any other packet."""
    if len(packet) < _HEADER.size + _BODY.size:
        return None
    kind, _, _, number = _HEADER.unpack_from(packet)
    reply = _BODY.unpack_from(packet, _HEADER.size)
    return number if kind == _CONTROL_HANDSHAKE and reply[6] == _INDUCTION else None


def probe_rtt_ms(
    sockaddr: bytes,
    *,
    prepare: Callable[[socket.socket], None] = lambda _own: None,
    now_s: Callable[[], float] = time.monotonic,
) -> float | None:
    """The median of up to three round trips to a listener; None when nothing answers within a second.

    `prepare` may bind the socket. Raises nothing: what keeps a packet from leaving is for the connection to tell.
    """
    try:
        with socket.socket(family_of(sockaddr), socket.SOCK_DGRAM) as own:
            prepare(own)
            own.connect(unpack(sockaddr))
            trips = _trips_s(own, now_s)
    except OSError:
        return None
    return round(statistics.median(trips) * 1000, 3) if trips else None


def _trips_s(own: socket.socket, now_s: Callable[[], float]) -> list[float]:
    """Once one answer is there, the others are not waited for much longer than it took."""
    end_s = now_s() + _WAIT_S
    sent_s: dict[int, float] = {}
    for _ in range(_PROBES):
        number = secrets.randbits(30) + 1
        sent_s[number] = now_s()
        own.send(induction(number))
    trips: list[float] = []
    while sent_s and (left_s := end_s - now_s()) > 0:
        own.settimeout(left_s)
        try:
            began_s = sent_s.pop(answered(own.recv(_PACKET_BYTES)) or 0, None)
        except TimeoutError:
            break
        if began_s is not None:
            trips.append(now_s() - began_s)
            end_s = min(end_s, now_s() + trips[-1] / 2 + _PATIENCE_S)
    return trips
