"""More clock references for pictures that last longer than the clock may be silent.

Source: ISO/IEC 13818-1, 2.4.3.4 and 2.4.3.5 (adaptation field, PCR); ETSI TR 101 290, 5.2.2 (40 ms).
"""

from __future__ import annotations

TS_BYTES = 188
_PCR_EVERY = 3150  # 35 ms at 90 kHz, so that 40 ms hold although captured times jitter
_WRAP = 1 << 33


def with_clock(ts: bytes, pid: int, picture_pts: int) -> bytes:
    """One unit's TS packets with packets of PCR alone among them, where a picture of that length needs them.

    `picture_pts` is at 90 kHz. The first packet of `pid` carries the unit's own PCR; the others stand where a
    steady stream would have them.
    """
    more = (picture_pts - 1) // _PCR_EVERY
    if more <= 0:
        return ts
    packets = [ts[at : at + TS_BYTES] for at in range(0, len(ts), TS_BYTES)]
    first = next(index for index, packet in enumerate(packets) if _pid(packet) == pid)
    begin, count = _pcr(packets[first]), len(packets) - first
    for nth in range(more, 0, -1):  # from the end: what is put in moves nothing that is still to come
        at = first + max(1, count * nth // (more + 1))
        pcr = (begin + picture_pts * nth // (more + 1)) % _WRAP
        packets.insert(at, _clock_alone(pid, packets[at - 1][3] & 0xF, pcr))
    return b"".join(packets)


def _pid(packet: bytes) -> int:
    return (packet[1] & 0x1F) << 8 | packet[2]


def _pcr(packet: bytes) -> int:
    """Its base: 33 bits at 90 kHz."""
    return int.from_bytes(packet[6:11]) >> 7


def _clock_alone(pid: int, counter: int, pcr: int) -> bytes:
    """No payload, so the counter stays that of the packet before; the PCR's extension is 0."""
    head = bytes([0x47, pid >> 8, pid & 0xFF, 0x20 | counter, TS_BYTES - 5, 0x10])
    return (head + (pcr << 15 | 0x3F << 9).to_bytes(6)).ljust(TS_BYTES, b"\xff")
