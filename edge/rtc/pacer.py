"""When the packets of a picture may leave, and what share of them may be repetitions. Pure: times come in as ns."""

from __future__ import annotations

BURST = 10
_SPREAD = 60  # packets of a picture that takes all of its time; smaller ones take less of it
_PART_OF_INTERVAL = 0.7
_LONGEST_INTERVAL_NS = 50_000_000
_NOT_WORTH_NS = 2_000_000
_GROUP_NS = 2_000_000  # timers are no better than a millisecond: packets go in groups
_SHORTEST_NS = 500_000
_UNBOUNDED = 1 << 30


class Pacer:
    """A picture of up to 10 packets leaves at once; of a larger one 10, and the others evenly.

    One of 60 packets and more takes 0.7 of the interval to the next, but none longer than the path's round trip: where
    that is short, queues are. What else is sent takes places of its packets.
    """

    def __init__(self) -> None:
        self._begin_ns = 0
        self._spacing_ns = 0.0
        self._taken = 0

    def begin(self, packets: int, *, interval_ns: int, now_ns: int, rtt_ns: int | None = None) -> None:
        """`rtt_ns` None: not known."""
        over = packets - BURST
        part = min(1.0, over / (_SPREAD - BURST)) * _PART_OF_INTERVAL
        duration_ns = part * min(interval_ns, _LONGEST_INTERVAL_NS)
        if rtt_ns is not None:
            duration_ns = min(duration_ns, rtt_ns)
        self._begin_ns, self._taken = now_ns, 0
        self._spacing_ns = duration_ns / over if over > 0 and duration_ns >= _NOT_WORTH_NS else 0.0

    def quota(self, now_ns: int) -> int:
        """How many packets may leave now."""
        if not self._spacing_ns:
            return _UNBOUNDED
        return max(0, BURST + int((now_ns - self._begin_ns) / self._spacing_ns) - self._taken)

    def took(self, packets: int) -> None:
        self._taken += packets

    def wait_s(self, left: int, now_ns: int) -> float:
        """How long to wait with `left` packets still to go: for the next group, or for the last of them."""
        last_ns = self._begin_ns + (self._taken + left - BURST) * self._spacing_ns
        return max(_SHORTEST_NS, min(_GROUP_NS, last_ns - now_ns)) / 1e9


class Share:
    """Lets repetitions have half of what is sent for the first time, and some in stock."""

    def __init__(self, *, part: float = 0.5, stock_bytes: int = 128 << 10) -> None:
        self._part = part
        self._stock = stock_bytes
        self._left = float(stock_bytes)

    def earn(self, size: int) -> None:
        self._left = min(self._stock, self._left + size * self._part)

    @property
    def exhausted(self) -> bool:
        return self._left <= 0

    def spend(self, size: int) -> None:
        self._left -= size
