"""Keeps a connection from falling silent, and notices when the other side has."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from edge.link.wire import Wire
from edge.model.errors import PeerGone

_PINGREQ = b"\xc0\x00"
_SHARE = 2 / 3  # of the keepalive: a broker gives up after one and a half
_OWED_KEEPALIVES = 2


class Heartbeat:
    """Asks when nothing was heard or said for two thirds of the keepalive, and cuts the wire when as long
    again nothing comes: with 30 s that is 40 s after the last word, where paho alone takes 60.

    It also cuts when a message waits for its PUBACK for two keepalives, though the other side answers: a new
    connection sends it again, this one never would. `owed_since_s` says since when, by the loop's clock.
    """

    def __init__(self, wire: Wire, *, keepalive_s: float, owed_since_s: Callable[[], float | None]) -> None:
        self._wire = wire
        self._every_s = keepalive_s * _SHARE
        self._owed_s = keepalive_s * _OWED_KEEPALIVES
        self._owed_since_s = owed_since_s
        self._loop = asyncio.get_running_loop()
        self._asked_s: float | None = None
        self._timer = self._loop.call_later(self._every_s, self._look)

    def stop(self) -> None:
        self._timer.cancel()

    def _look(self) -> None:
        now_s, wire = self._loop.time(), self._wire
        owed_since_s = self._owed_since_s()
        if owed_since_s is not None and wire.reading and now_s - owed_since_s >= self._owed_s:
            wire.cut(PeerGone(f"a message was not acknowledged for {now_s - owed_since_s:.0f} s"))
            return
        # while we ourselves take nothing in, silence says nothing
        if self._asked_s is not None and (wire.heard_s >= self._asked_s or not wire.reading):
            self._asked_s = None
        if self._asked_s is not None and now_s - self._asked_s >= self._every_s:
            wire.cut(PeerGone(f"nothing was heard for {now_s - wire.heard_s:.0f} s"))
            return
        if self._asked_s is None and now_s - min(wire.heard_s, wire.said_s) >= self._every_s:
            if not self._ask():
                return
            self._asked_s = now_s
        since_s = min(wire.heard_s, wire.said_s) if self._asked_s is None else self._asked_s
        self._timer = self._loop.call_at(since_s + self._every_s, self._look)

    def _ask(self) -> bool:
        try:
            self._wire.send(_PINGREQ)
        except OSError:  # it is closing
            return False
        return True
