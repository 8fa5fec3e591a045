"""Packets that a receiver may ask for again: those of the last second, whatever the bit rate."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

KEEP_NS = 1_000_000_000
MOST_BYTES = 8 << 20  # a second at 64 Mb/s
_SOONEST_NS = 5_000_000
_OF_RTT = 0.8  # receivers ask again after one round trip, as they measure it


@dataclass(slots=True)
class _Kept:
    sequence: int
    packet: bytes
    sent_ns: int
    again_ns: int | None = None


class SentPackets:
    """`too_late` counts those asked for that are no longer kept, `too_soon` those whose last copy may still arrive."""

    def __init__(self, *, keep_ns: int = KEEP_NS, most_bytes: int = MOST_BYTES) -> None:
        self._keep_ns = keep_ns
        self._most_bytes = most_bytes
        self._by_age: deque[_Kept] = deque()  # a dict's first key is slow to find once many before it have gone
        self._by_number: dict[int, _Kept] = {}
        self._size = 0
        self.too_late = 0
        self.too_soon = 0

    def __len__(self) -> int:
        return len(self._by_age)

    def keep(self, sequence: int, packet: bytes, now_ns: int) -> None:
        """Sequence numbers go up by one and round at 16 bits."""
        kept = self._by_number[sequence] = _Kept(sequence, packet, now_ns)
        self._by_age.append(kept)
        self._size += len(packet)
        while self._size > self._most_bytes or self._by_age[0].sent_ns < now_ns - self._keep_ns:
            self._forget(self._by_age.popleft())

    def clear(self) -> None:
        """Nothing more will be asked for."""
        self._by_age.clear()
        self._by_number.clear()
        self._size = 0

    def again(self, sequence: int, *, now_ns: int, rtt_ns: int) -> bytes | None:
        """The packet, when it is kept and was not sent again within about one round trip."""
        kept = self._by_number.get(sequence)
        if kept is None or kept.sent_ns < now_ns - self._keep_ns:
            self.too_late += 1
            return None
        if kept.again_ns is not None and now_ns - kept.again_ns < max(_SOONEST_NS, round(rtt_ns * _OF_RTT)):
            self.too_soon += 1
            return None
        kept.again_ns = now_ns
        return kept.packet

    def _forget(self, kept: _Kept) -> None:
        self._size -= len(kept.packet)
        if self._by_number[kept.sequence] is kept:
            del self._by_number[kept.sequence]
