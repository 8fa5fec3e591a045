"""Hostile input with a seed: good bytes and good SDP, changed here and there."""

from __future__ import annotations

import random
import struct
from collections.abc import Sequence

from aiortc.rtp import (
    RtcpByePacket,
    RtcpPsfbPacket,
    RtcpReceiverInfo,
    RtcpRrPacket,
    RtcpRtpfbPacket,
    RtcpSdesPacket,
    RtcpSenderInfo,
    RtcpSourceInfo,
    RtcpSrPacket,
    pack_remb_fci,
)

_WORDS = ("", "0", "-1", "65536", "9" * 14, "a b", "*", "\0", "é", "urn:x", "recvonly", "sha-256 AA", "::1", "=", ": ;")
_ATTRIBUTES = (
    "extmap",
    "rtcp-fb",
    "fmtp:96",
    "ssrc",
    "group:BUNDLE",
    "mid",
    "rtpmap",
    "candidate",
    "setup",
    "fingerprint",
)


def dice(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - a test's dice


def rtcp_of_every_kind(ssrc: int) -> Sequence[bytes]:
    """Whole packets about the sender of that number."""
    report = RtcpReceiverInfo(ssrc, 3, 5, 70_000, 9, 0x12345678, 65_536)
    feedback = struct.pack("!IIHHI", 1, ssrc, 1, 3, 77 << 8) + b"\x20\x03\x04\x04\x04\0\0\0"
    return (
        bytes(RtcpSrPacket(1, RtcpSenderInfo(1, 2, 3, 4), [report])),
        bytes(RtcpRrPacket(1, [report, report])),
        bytes(RtcpSdesPacket([RtcpSourceInfo(1, [(1, b"name"), (2, b"x" * 40)])])),
        bytes(RtcpByePacket([ssrc, 1])),
        bytes(RtcpRtpfbPacket(1, 1, ssrc, [5, 6, 7, 900])),
        bytes(RtcpPsfbPacket(1, 1, ssrc)),
        bytes(RtcpPsfbPacket(4, 1, 0, struct.pack("!LB3x", ssrc, 1))),
        bytes(RtcpPsfbPacket(15, 1, 0, pack_remb_fci(2_000_000, [ssrc]))),
        struct.pack("!BBH", 0x8F, 205, len(feedback) // 4) + feedback,
        struct.pack("!BBHI", 0x80, 204, 1, 1),
        struct.pack("!BBHI", 0x80, 207, 1, 1),
    )


def changed(chance: random.Random, raw: bytes) -> bytes:
    """Cut off, or with bytes and lengths replaced, or both; now and then as it was."""
    work = bytearray(raw[: chance.randrange(len(raw) + 1)] if chance.random() < 0.3 else raw)
    for _ in range(chance.choice((0, 1, 1, 2, 4))):
        if work:
            work[chance.randrange(len(work))] = chance.choice((0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)))
    if chance.random() < 0.2:
        work += chance.randbytes(chance.randrange(40))
    return bytes(work)


def changed_sdp(chance: random.Random, sdp: str) -> str:
    """One to three lines gone, doubled, moved, cut off, or with a word, a value, a letter replaced."""
    lines = sdp.split("\r\n")
    for _ in range(chance.randrange(1, 4)):
        at, other = chance.randrange(len(lines)), chance.randrange(len(lines))
        line = lines[at]
        changes = (
            [],
            [line, lines[other]],
            [lines[other]],
            [line[: chance.randrange(len(line) + 1)]],
            [" ".join(chance.choice((word, word, chance.choice(_WORDS))) for word in line.split(" "))],
            [line.partition(":")[0] + ":" + chance.choice(_WORDS)],
            [line[:3] + chr(chance.randrange(32, 256)) + line[4:]],
            [f"a={chance.choice(_ATTRIBUTES)}:{chance.choice(_WORDS)}", line],
        )
        lines[at : at + 1] = chance.choice(changes)
        lines = lines or [""]
    return "\r\n".join(lines)
