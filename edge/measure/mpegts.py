"""Access units out of an MPEG-TS byte stream, each with the arrival of its last byte.

A demuxer hands a unit out only when the next one begins, a whole picture late, and does not say
when its bytes came; hence this one. Source: ISO/IEC 13818-1, 2.4.3 (TS, PES) and 2.4.4 (PSI).
It wants one access unit per PES packet, which is how every common muxer writes video.
"""

from __future__ import annotations

from collections.abc import Iterator

from edge.measure.unit import ReceivedUnit
from edge.model.video import Codec

TS_BYTES = 188
_SYNC = 0x47
_PAT_PID = 0
_CODECS = {0x1B: Codec.H264, 0x24: Codec.H265}
_MAX_UNIT = 16 << 20


class TsUnits:
    """Sans I/O: `feed` bytes as they come, of any size; it follows the first video of the first program."""

    def __init__(self) -> None:
        self._rest = b""
        self._pmt_pid: int | None = None
        self._video_pid: int | None = None
        self._codec = Codec.H264
        self._pes = bytearray()
        self._last_ns = 0

    def feed(self, chunk: bytes, *, arrived_ns: int) -> Iterator[ReceivedUnit]:
        """The units that this chunk completes. Bytes that are not MPEG-TS are skipped."""
        stream = self._rest + chunk
        at = 0
        while at + TS_BYTES <= len(stream):
            if stream[at] != _SYNC:
                at = (stream.find(_SYNC, at) + 1 or len(stream) + 1) - 1
                continue
            yield from self._packet(stream[at : at + TS_BYTES], arrived_ns)
            at += TS_BYTES
        self._rest = stream[at:]

    def flush(self) -> Iterator[ReceivedUnit]:
        """What has come of the last unit, when the stream has ended."""
        yield from self._finish()

    def _packet(self, packet: bytes, arrived_ns: int) -> Iterator[ReceivedUnit]:
        begins = bool(packet[1] & 0x40)
        pid = (packet[1] & 0x1F) << 8 | packet[2]
        payload = _payload(packet)
        if pid == _PAT_PID and begins:
            self._pmt_pid = _program_map_pid(_section(payload)) or self._pmt_pid
        elif pid == self._pmt_pid and begins:
            self._read_program_map(_section(payload))
        elif pid == self._video_pid:
            if begins:
                yield from self._finish()
            if begins or self._pes:
                self._pes += payload
                self._last_ns = arrived_ns
            if len(self._pes) > _MAX_UNIT or _complete(self._pes):
                yield from self._finish()

    def _finish(self) -> Iterator[ReceivedUnit]:
        """The header of a PES packet of video: 00 00 01, stream id, length (2), flags (2), length of the rest."""
        pes, self._pes = bytes(self._pes), bytearray()
        if len(pes) > 9 and pes[:3] == b"\x00\x00\x01" and (data := pes[9 + pes[8] :]):
            yield ReceivedUnit(self._codec, self._last_ns, data)

    def _read_program_map(self, section: bytes) -> None:
        """Table id 2; streams of 5 bytes and descriptors each, between the program's descriptors and a CRC."""
        if len(section) < 16 or section[0] != 2:
            return
        at = 12 + _twelve_bits(section, 10)
        while at + 5 <= len(section) - 4:
            codec = _CODECS.get(section[at])
            if codec is not None:
                self._codec, self._video_pid = codec, _thirteen_bits(section, at + 1)
                return
            at += 5 + _twelve_bits(section, at + 3)


def _payload(packet: bytes) -> bytes:
    control = packet[3] >> 4 & 3
    start = 4 + (1 + packet[4] if control & 2 else 0)
    return packet[start:] if control & 1 else b""


def _section(payload: bytes) -> bytes:
    """The first table section of a payload; ours fit into one packet."""
    start = 1 + payload[0] if payload else 0
    if len(payload) < start + 3:
        return b""
    return payload[start : start + 3 + _twelve_bits(payload, start + 1)]


def _program_map_pid(section: bytes) -> int | None:
    """Of the first program in a PAT (table id 0) that is not the network's."""
    if len(section) < 12 or section[0] != 0:
        return None
    entries = range(8, len(section) - 4 - 3, 4)
    return next((_thirteen_bits(section, at + 2) for at in entries if section[at : at + 2] != b"\0\0"), None)


def _complete(pes: bytearray) -> bool:
    """Whether a PES packet that tells its length (0 is 'not told') is all there."""
    length = pes[4] << 8 | pes[5] if len(pes) >= 6 else 0
    return length != 0 and len(pes) >= 6 + length


def _twelve_bits(raw: bytes, at: int) -> int:
    return (raw[at] & 0x0F) << 8 | raw[at + 1]


def _thirteen_bits(raw: bytes, at: int) -> int:
    return (raw[at] & 0x1F) << 8 | raw[at + 1]
