"""One viewer's RTP packets, without I/O: headers, extensions, and what is kept for retransmission.

RFC 3550 (packets), RFC 8285 (extensions), RFC 4588 (retransmission as a stream of its own).
"""

from __future__ import annotations

import secrets
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from edge.rtc.sent_packets import SentPackets
from edge.rtc.transport_feedback import TRANSPORT_WIDE

ABS_CAPTURE_TIME = "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time"
ABS_SEND_TIME = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
PLAYOUT_DELAY = "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay"
MID = "urn:ietf:params:rtp-hdrext:sdes:mid"
_NTP_UNIX_S = 2_208_988_800
_NO_DELAY = bytes(3)  # 12 bits of minimum, 12 of maximum, in 10 ms
_FRONT = struct.Struct("!BBH")
_BACK = struct.Struct("!II")
_EXTENSION_HEAD = struct.Struct("!HH")
_HEADER = 12
_SRTP_WINDOW = 1000  # of the 1024 packets back that aiortc lets a number be used again
_VERSION_2, _HAS_EXTENSION, _MARKER = 0x80, 0x10, 0x80
_ONE_BYTE, _TWO_BYTE = 0xBEDE, 0x1000
_MASK_16, _MASK_32 = 0xFFFF, 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class CodedPicture:
    """What goes out as one RTP timestamp. `capture_utc_ns` is None when it need not be told.

    `interval_ns`: the time from this picture to the next as the stream's rate has it.
    """

    payloads: Sequence[bytes]
    pts: int
    capture_utc_ns: int | None
    interval_ns: int = 33_333_333


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
    """Sequence numbers start in the lower half, so that none wraps before SRTP has seen some.

    `at` says the time for the packets that follow. `transport_sequence` is that of the last packet made; each one
    made has a new one, told to the receiver where `numbered`, and must be sent at once; a retransmission has one where
    `repeats_anew`.
    """

    def __init__(self, negotiated: Negotiated) -> None:
        self._negotiated = negotiated
        self._sequence = secrets.randbelow(1 << 15)
        self._rtx_sequence = secrets.randbelow(1 << 15)
        self._origin = secrets.randbits(32)
        self._now_ns = 0
        self._send_time = bytes(3)
        self._usual = self._blank(None)
        self.numbered = TRANSPORT_WIDE in negotiated.extensions
        self.repeats_anew = negotiated.rtx_payload_type is not None
        self.kept = SentPackets()
        self.transport_sequence = 0
        self.timestamp = 0
        self.packets_sent = 0
        self.octets_sent = 0

    def at(self, now_ns: int, utc_ns: int) -> None:
        """Monotonic, and UTC for abs-send-time."""
        self._now_ns = now_ns
        self._send_time = (ntp_of(utc_ns) >> 14 & 0xFFFFFF).to_bytes(3, "big")

    def packets(self, picture: CodedPicture) -> Iterator[bytes]:
        """RTP packets of one picture; the last one carries the marker."""
        self.timestamp = (self._origin + picture.pts) & _MASK_32
        back = _BACK.pack(self.timestamp, self._negotiated.ssrc)
        blank = self._usual if picture.capture_utc_ns is None else self._blank(picture.capture_utc_ns)
        last = len(picture.payloads) - 1
        for index, payload in enumerate(picture.payloads):
            extension, blank = self._stamped(blank), self._usual
            front = _FRONT.pack(
                _VERSION_2 | (_HAS_EXTENSION if extension else 0),
                (_MARKER if index == last else 0) | self._negotiated.payload_type,
                self._sequence,
            )
            packet = b"".join((front, back, extension, payload))
            self.kept.keep(self._sequence, packet, self._now_ns)
            self._sequence = (self._sequence + 1) & _MASK_16
            self.packets_sent += 1
            self.octets_sent += len(payload)
            yield packet

    @property
    def next_sequence(self) -> int:
        """The number of the first packet of the next picture."""
        return self._sequence

    def retransmission(self, sequence: int, *, rtt_ns: int = 0) -> bytes | None:
        """That packet once more, None when it is no longer kept or on its way again already.

        Without a stream of its own it is the same bytes: SRTP must not see two contents under one number.
        """
        if not self.repeats_anew and (self._sequence - sequence) & _MASK_16 > _SRTP_WINDOW:
            self.kept.too_late += 1
            return None
        packet = self.kept.again(sequence, now_ns=self._now_ns, rtt_ns=rtt_ns)
        if packet is None or self._negotiated.rtx_payload_type is None:
            return packet
        front = _FRONT.pack(packet[0], packet[1] & _MARKER | self._negotiated.rtx_payload_type, self._rtx_sequence)
        self._rtx_sequence = (self._rtx_sequence + 1) & _MASK_16
        back = packet[4:8] + self._negotiated.rtx_ssrc.to_bytes(4, "big")
        body = _body_offset(packet)
        return b"".join((front, back, self._stamped(packet[_HEADER:body]), packet[2:4], packet[body:]))

    def _blank(self, capture_utc_ns: int | None) -> bytes:
        """A header extension with room for send time and number; these are first, in that order."""
        values = {ABS_SEND_TIME: bytes(3), TRANSPORT_WIDE: bytes(2), MID: self._negotiated.mid.encode()}
        if capture_utc_ns is not None:
            values[ABS_CAPTURE_TIME] = ntp_of(capture_utc_ns).to_bytes(8, "big")
            values[PLAYOUT_DELAY] = _NO_DELAY
        ids = self._negotiated.extensions
        return pack_extensions([(ids[uri], value) for uri, value in values.items() if uri in ids and value])

    def _stamped(self, extension: bytes) -> bytes:
        """With the time of sending and the next transport-wide number where these were negotiated."""
        self.transport_sequence = (self.transport_sequence + 1) & _MASK_16
        ids = self._negotiated.extensions
        head = 1 if extension[:1] == b"\xbe" else 2
        at = _EXTENSION_HEAD.size + head
        if ABS_SEND_TIME in ids:
            extension = extension[:at] + self._send_time + extension[at + 3 :]
            at += 3 + head
        if TRANSPORT_WIDE in ids:
            extension = extension[:at] + self.transport_sequence.to_bytes(2, "big") + extension[at + 2 :]
        return extension


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
