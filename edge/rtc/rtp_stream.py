"""One viewer's RTP packets, without I/O: headers, extensions, and what is kept for retransmission.

RFC 3550 (packets), RFC 8285 (extensions), RFC 4588 (retransmission as a stream of its own).
"""

from __future__ import annotations

import secrets
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

ABS_CAPTURE_TIME = "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time"
ABS_SEND_TIME = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
PLAYOUT_DELAY = "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay"
MID = "urn:ietf:params:rtp-hdrext:sdes:mid"
RETRANSMIT_PACKETS = 2048  # 1 s at 20 Mb/s
_NTP_UNIX_S = 2_208_988_800
_NO_DELAY = bytes(3)  # 12 bits of minimum, 12 of maximum, in 10 ms
_FRONT = struct.Struct("!BBH")
_BACK = struct.Struct("!II")
_EXTENSION_HEAD = struct.Struct("!HH")
_VERSION_2, _HAS_EXTENSION, _MARKER = 0x80, 0x10, 0x80
_ONE_BYTE, _TWO_BYTE = 0xBEDE, 0x1000
_MASK_16, _MASK_32 = 0xFFFF, 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class CodedPicture:
    """What goes out as one RTP timestamp. `capture_utc_ns` is None when it need not be told."""

    payloads: Sequence[bytes]
    pts: int
    capture_utc_ns: int | None


@dataclass(frozen=True, slots=True)
class Negotiated:
    """What offer and answer settled. `extensions` is URI to id; no `rtx_payload_type`: no stream for it."""

    payload_type: int
    ssrc: int
    rtx_ssrc: int
    rtx_payload_type: int | None = None
    mid: str = ""
    extensions: Mapping[str, int] = field(default_factory=dict)


class RtpStream:
    """Sequence numbers start in the lower half, so that none wraps before SRTP has seen some."""

    def __init__(self, negotiated: Negotiated) -> None:
        self._negotiated = negotiated
        self._sequence = secrets.randbelow(1 << 15)
        self._rtx_sequence = secrets.randbelow(1 << 15)
        self._origin = secrets.randbits(32)
        self._history: dict[int, bytes] = {}
        self.timestamp = 0
        self.packets_sent = 0
        self.octets_sent = 0

    def packets(self, picture: CodedPicture, *, utc_ns: int) -> Iterator[bytes]:
        """RTP packets of one picture that is sent at `utc_ns`; the last one carries the marker."""
        self.timestamp = (self._origin + picture.pts) & _MASK_32
        back = _BACK.pack(self.timestamp, self._negotiated.ssrc)
        usual = self._extensions(utc_ns, None)
        extension = self._extensions(utc_ns, picture.capture_utc_ns)
        last = len(picture.payloads) - 1
        for index, payload in enumerate(picture.payloads):
            front = _FRONT.pack(
                _VERSION_2 | (_HAS_EXTENSION if extension else 0),
                (_MARKER if index == last else 0) | self._negotiated.payload_type,
                self._sequence,
            )
            packet = self._history[self._sequence % RETRANSMIT_PACKETS] = b"".join((front, back, extension, payload))
            self._sequence = (self._sequence + 1) & _MASK_16
            self.packets_sent += 1
            self.octets_sent += len(payload)
            extension = usual
            yield packet

    def retransmission(self, sequence: int) -> bytes | None:
        """That packet once more, None when it is no longer kept."""
        packet = self._history.get(sequence % RETRANSMIT_PACKETS)
        if packet is None or int.from_bytes(packet[2:4], "big") != sequence:
            return None
        if self._negotiated.rtx_payload_type is None:
            return packet
        front = _FRONT.pack(packet[0], packet[1] & _MARKER | self._negotiated.rtx_payload_type, self._rtx_sequence)
        self._rtx_sequence = (self._rtx_sequence + 1) & _MASK_16
        rtx_ssrc = self._negotiated.rtx_ssrc.to_bytes(4, "big")
        body = _body_offset(packet)
        return b"".join((front, packet[4:8], rtx_ssrc, packet[12:body], packet[2:4], packet[body:]))

    def _extensions(self, utc_ns: int, capture_utc_ns: int | None) -> bytes:
        values = {
            MID: self._negotiated.mid.encode(),
            ABS_SEND_TIME: (ntp_of(utc_ns) >> 14 & 0xFFFFFF).to_bytes(3, "big"),
        }
        if capture_utc_ns is not None:
            values[ABS_CAPTURE_TIME] = ntp_of(capture_utc_ns).to_bytes(8, "big")
            values[PLAYOUT_DELAY] = _NO_DELAY
        ids = self._negotiated.extensions
        return pack_extensions([(ids[uri], value) for uri, value in values.items() if uri in ids and value])


def pack_extensions(elements: Sequence[tuple[int, bytes]]) -> bytes:
    """The header extension of an RTP packet, one-byte form where all ids allow it; empty for none."""
    if not elements:
        return b""
    short = all(number <= 14 and len(value) <= 16 for number, value in elements)
    heads = [bytes((n << 4 | len(v) - 1,)) if short else bytes((n, len(v))) for n, v in elements]
    body = b"".join(head + value for head, (_, value) in zip(heads, elements, strict=True))
    words = -(-len(body) // 4)
    return _EXTENSION_HEAD.pack(_ONE_BYTE if short else _TWO_BYTE, words) + body.ljust(words * 4, b"\0")


def ntp_of(utc_ns: int) -> int:
    """UTC in ns as NTP time, seconds since 1900 in Q32.32."""
    seconds, rest_ns = divmod(utc_ns, 1_000_000_000)
    return (seconds + _NTP_UNIX_S) % (1 << 32) << 32 | (rest_ns << 32) // 1_000_000_000


def _body_offset(packet: bytes) -> int:
    if not packet[0] & _HAS_EXTENSION:
        return 12
    return 16 + 4 * int.from_bytes(packet[14:16], "big")
