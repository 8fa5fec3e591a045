"""Another address for one end of the line, as when its router's uplink becomes another one: IPv4, one to one.

The end itself keeps its own address and port numbers; the other end sees the new one, and what it still
sends to the old one reaches nobody. Checksums are corrected by the difference (RFC 1624).
"""

from __future__ import annotations

import ipaddress

_SOURCE, _TARGET = 12, 16  # offsets in an IPv4 header (RFC 791)
_HEADER_CHECKSUM = 10
_CHECKSUM_OFFSETS = {6: 16, 17: 6}  # TCP, UDP: in their headers; both cover the addresses
_UDP = 17


class Translation:
    """What the other end calls `own`. As itself until `renumber`."""

    def __init__(self, own: str) -> None:
        self._own = ipaddress.IPv4Address(own).packed
        self._seen = self._own

    def renumber(self, seen: str) -> None:
        self._seen = ipaddress.IPv4Address(seen).packed

    def leaving(self, packet: bytes) -> bytes:
        """A packet from the end, as it goes on the line."""
        if self._seen == self._own or packet[_SOURCE : _SOURCE + 4] != self._own:
            return packet
        return _rewritten(packet, _SOURCE, self._seen)

    def coming(self, packet: bytes) -> bytes | None:
        """A packet for the end, as the end wants it; None when it is for an address that is no more."""
        target = packet[_TARGET : _TARGET + 4]
        if target != self._seen:
            return None
        return packet if self._seen == self._own else _rewritten(packet, _TARGET, self._own)


def _rewritten(packet: bytes, offset: int, address: bytes) -> bytes:
    """With that address at that offset."""
    changed = bytearray(packet)
    before = packet[offset : offset + 4]
    changed[offset : offset + 4] = address
    _correct(changed, _HEADER_CHECKSUM, before, address)
    header_bytes = (packet[0] & 0x0F) * 4
    inner = _CHECKSUM_OFFSETS.get(packet[9])
    first_fragment = int.from_bytes(packet[6:8], "big") & 0x1FFF == 0
    if inner is not None and first_fragment and len(packet) >= header_bytes + inner + 2:
        at = header_bytes + inner
        if packet[9] != _UDP or packet[at : at + 2] != b"\0\0":  # a UDP packet may have none
            _correct(changed, at, before, address)
    return bytes(changed)


def _correct(packet: bytearray, at: int, before: bytes, after: bytes) -> None:
    """HC' = ~(~HC + ~m + m')."""
    total = ~int.from_bytes(packet[at : at + 2], "big") & 0xFFFF
    for index in (0, 2):
        total += ~int.from_bytes(before[index : index + 2], "big") & 0xFFFF
        total += int.from_bytes(after[index : index + 2], "big")
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    packet[at : at + 2] = (~total & 0xFFFF).to_bytes(2, "big")
