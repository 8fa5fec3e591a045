"""Notices what a broker took and never passed on: one that was killed, or forgot. Pure; one for each connection."""

from __future__ import annotations

OVERDUE_LOOK_S = 5.0
_FIRST_NS = 30 * 1_000_000_000
_LONGEST_NS = 600 * 1_000_000_000


class Overdue:
    """A controller that speaks, and for 30 s has not got on to what it was sent, must be sent it again.

    One that says nothing is away: it makes itself heard when it is back. Tried again after twice as long each time.
    """

    def __init__(self) -> None:
        self._wanted: int | None = None
        self._has = -1
        self._since_ns = 0
        self._patience_ns = _FIRST_NS

    def heard(self, eseq: int, *, sent: int, now_ns: int) -> None:
        """Acknowledged is everything up to `eseq`, sent was everything up to `sent`."""
        if eseq > self._has:
            self._has, self._since_ns, self._patience_ns = eseq, now_ns, _FIRST_NS
        if self._has >= sent:
            self._wanted = None
        elif self._wanted is None:
            self._wanted, self._since_ns = sent, now_ns

    def due(self, *, now_ns: int) -> int | None:
        """The number after which all must be sent again now; once, until the controller is heard again."""
        if self._wanted is None or now_ns - self._since_ns < self._patience_ns:
            return None
        self._wanted = None
        self._patience_ns = min(2 * self._patience_ns, _LONGEST_NS)
        return self._has
