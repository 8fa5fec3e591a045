"""Rewritten packets are right, down to their checksums."""

from __future__ import annotations

import ipaddress
import struct

import pytest

from tests.netlab.address import Translation

OWN, OTHER, PEER = "10.77.0.2", "10.77.0.11", "10.77.0.1"
TCP, UDP, ICMP = 6, 17, 1


def ones_sum(raw: bytes) -> int:
    """RFC 1071; 0xFFFF over anything that contains its right checksum."""
    padded = raw + bytes(len(raw) % 2)
    total = sum(struct.unpack(f"!{len(padded) // 2}H", padded))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def packet(source: str, target: str, protocol: int, *, fragment: int = 0, udp_checksum: bool = True) -> bytes:
    addresses = ipaddress.IPv4Address(source).packed + ipaddress.IPv4Address(target).packed
    body = bytearray(range(40))
    at = {TCP: 16, UDP: 6}.get(protocol)
    if at is not None:
        body[at : at + 2] = b"\0\0"
        if udp_checksum:
            pseudo = addresses + struct.pack("!BBH", 0, protocol, len(body))
            body[at : at + 2] = struct.pack("!H", ~ones_sum(pseudo + body) & 0xFFFF)
    head = bytearray(struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), 7, fragment, 64, protocol, 0) + addresses)
    head[10:12] = struct.pack("!H", ~ones_sum(head) & 0xFFFF)
    return bytes(head + body)


def moved() -> Translation:
    translation = Translation(OWN)
    translation.renumber(OTHER)
    return translation


@pytest.mark.parametrize("protocol", [TCP, UDP, ICMP])
def test_leaving_packet_is_as_if_sent_from_the_new_address(protocol: int) -> None:
    assert moved().leaving(packet(OWN, PEER, protocol)) == packet(OTHER, PEER, protocol)


@pytest.mark.parametrize("protocol", [TCP, UDP, ICMP])
def test_coming_packet_is_as_if_sent_to_the_own_address(protocol: int) -> None:
    assert moved().coming(packet(PEER, OTHER, protocol)) == packet(PEER, OWN, protocol)


def test_packet_for_the_old_address_reaches_nobody() -> None:
    assert moved().coming(packet(PEER, OWN, UDP)) is None
    assert Translation(OWN).coming(packet(PEER, OTHER, UDP)) is None


def test_end_that_has_not_moved_is_left_alone() -> None:
    assert Translation(OWN).leaving(packet(OWN, PEER, UDP)) == packet(OWN, PEER, UDP)
    assert Translation(OWN).coming(packet(PEER, OWN, UDP)) == packet(PEER, OWN, UDP)


def test_udp_without_a_checksum_keeps_none() -> None:
    without = moved().leaving(packet(OWN, PEER, UDP, udp_checksum=False))
    assert without == packet(OTHER, PEER, UDP, udp_checksum=False)


def test_later_fragment_has_no_inner_checksum_to_correct() -> None:
    later = packet(OWN, PEER, UDP, fragment=100)
    assert moved().leaving(later)[20:] == later[20:]
