"""Transport-wide congestion control feedback as bytes: which packets arrived when, by the receiver's clock.

draft-holmer-rmcat-transport-wide-cc-extensions-01, section 3.1: RTCP RTPFB (205) with FMT 15. Packets have a 16-bit
sequence number of their own, whatever stream they belong to. Runs of packets that did not arrive cost nothing to
read, so that a hostile message is no dearer than its size.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from edge.model.errors import Invalid

TRANSPORT_WIDE = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
RTPFB, FMT = 205, 15
REFERENCE_NS = 64_000_000
REFERENCE_MASK = (1 << 24) - 1
_DELTA_NS = 250_000
_HEAD = struct.Struct("!BBHIIHHI")
_RTCP_HEAD = struct.Struct("!BBH")
_PADDING = 0x20
_MASK_16 = 0xFFFF
_SMALL, _LARGE = 1, 2
_IS_VECTOR, _TWO_BITS = 0x8000, 0x4000


@dataclass(frozen=True, slots=True)
class TransportFeedback:
    """What became of the `count` packets from sequence number `base` on.

    `arrivals` are (sequence, ns after `reference` times 64 ms) of those that arrived; the others had not. `reference`
    goes round at 24 bits, `number`, which counts these messages, at 8.
    """

    base: int
    count: int
    reference: int
    number: int
    arrivals: tuple[tuple[int, int], ...]


def split_feedback(compound: bytes) -> tuple[bytes, list[bytes]]:
    """An RTCP datagram without its transport feedback, and that feedback. Raises Invalid when it is cut off."""
    rest: list[bytes] = []
    ours: list[bytes] = []
    position = 0
    while position < len(compound):
        if len(compound) - position < _RTCP_HEAD.size:
            raise Invalid("an RTCP packet is cut off in its header")
        flags, kind, words = _RTCP_HEAD.unpack_from(compound, position)
        end = position + 4 + 4 * words
        if end > len(compound):
            raise Invalid(f"an RTCP packet of {end - position} bytes is cut off after {len(compound) - position}")
        (ours if (kind, flags & 0x1F) == (RTPFB, FMT) else rest).append(compound[position:end])
        position = end
    return b"".join(rest), ours


def parse_feedback(packet: bytes) -> TransportFeedback:
    """One RTCP packet, header and padding included. Raises Invalid."""
    if len(packet) < _HEAD.size:
        raise Invalid(f"transport feedback of {len(packet)} bytes is shorter than its head")
    flags, kind, words, _, _, base, count, times = _HEAD.unpack_from(packet)
    if (flags >> 6, flags & 0x1F, kind) != (2, FMT, RTPFB) or 4 * (words + 1) != len(packet):
        raise Invalid("not one whole packet of transport feedback")
    body = packet[_HEAD.size : len(packet) - _padding(packet)]
    statuses, position = _statuses(body, count)
    return TransportFeedback(base, count, times >> 8, times & 0xFF, _arrivals(base, statuses, body, position))


def _padding(packet: bytes) -> int:
    if not packet[0] & _PADDING:
        return 0
    if not 0 < packet[-1] <= len(packet) - _HEAD.size:
        raise Invalid(f"transport feedback says it has {packet[-1]} bytes of padding")
    return packet[-1]


def _statuses(body: bytes, count: int) -> tuple[list[tuple[int, int]], int]:
    """(offset from the base, symbol) of the packets that arrived, and where the deltas begin."""
    statuses: list[tuple[int, int]] = []
    position = offset = 0
    while offset < count:
        if position + 2 > len(body):
            raise Invalid(f"transport feedback tells of {offset} packets, not of {count}")
        chunk = int.from_bytes(body[position : position + 2], "big")
        position += 2
        if chunk & _IS_VECTOR:
            symbols = tuple(_symbols(chunk))
            statuses += [(offset + index, symbol) for index, symbol in enumerate(symbols[: count - offset]) if symbol]
            offset += len(symbols)
        else:
            symbol, run = chunk >> 13 & 3, chunk & 0x1FFF
            if symbol:
                if len(statuses) + min(run, count - offset) > len(body):
                    raise Invalid("transport feedback has fewer arrival times than packets that arrived")
                statuses += [(offset + index, symbol) for index in range(min(run, count - offset))]
            elif run == 0:
                raise Invalid("transport feedback has a run of no packets")
            offset += run
    return statuses, position


def _symbols(chunk: int) -> Iterator[int]:
    if chunk & _TWO_BITS:
        return (chunk >> shift & 3 for shift in range(12, -1, -2))
    return (chunk >> shift & 1 for shift in range(13, -1, -1))


def _arrivals(base: int, statuses: list[tuple[int, int]], body: bytes, position: int) -> tuple[tuple[int, int], ...]:
    arrivals: list[tuple[int, int]] = []
    ticks = 0
    for offset, symbol in statuses:
        if symbol not in (_SMALL, _LARGE):
            raise Invalid(f"transport feedback has the reserved status {symbol}")
        delta = body[position : position + symbol]
        if len(delta) < symbol:
            raise Invalid(f"transport feedback ends before the arrival time of packet {offset + 1} of its list")
        ticks += int.from_bytes(delta, "big", signed=symbol == _LARGE)
        position += symbol
        arrivals.append(((base + offset) & _MASK_16, ticks * _DELTA_NS))
    return tuple(arrivals)
