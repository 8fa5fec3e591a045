"""A stream that carries nothing, to measure a path with: MPEG-TS null packets (ISO/IEC 13818-1, 2.4.3.3)."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from edge.model.errors import TimedOut
from edge.sinks.srt_socket import PAYLOAD_BYTES, SrtSocket

_NULL_HEAD = bytes([0x47, 0x1F, 0xFF, 0x10])  # PID 0x1FFF, payload only
_TS_BYTES = 188
_TICK_S = 0.005
_CATCH_UP_S = 0.02  # more at once would be a burst, which a short queue on the way does not hold


def null_payload() -> bytes:
    """Seven null packets; the bytes inside are random, so that no path can compress them."""
    return b"".join(_NULL_HEAD + os.urandom(_TS_BYTES - 4) for _ in range(PAYLOAD_BYTES // _TS_BYTES))


class NullStream:
    """Sends at a steady rate. One thread."""

    def __init__(self, connection: SrtSocket) -> None:
        self._connection = connection
        self._payload = null_payload()
        self.offered = 0

    def send(self, rate_bps: int, seconds: float, *, every_s: float, look: Callable[[], None]) -> None:
        """`look` is called every `every_s`, and at both ends.

        Who falls behind does not catch up: `offered` says what was really sent. Raises PeerGone.
        """
        begin_s = time.monotonic()
        earned_s = looked_s = begin_s
        payload_s = PAYLOAD_BYTES * 8 / rate_bps
        look()
        while (now_s := time.monotonic()) < begin_s + seconds:
            earned_s = max(earned_s, now_s - payload_s - _CATCH_UP_S)
            due = int((now_s - earned_s) / payload_s)
            earned_s += due * payload_s
            if not self._offer(due):
                earned_s = time.monotonic()
            if now_s - looked_s >= every_s:
                looked_s = now_s
                look()
            time.sleep(_TICK_S)
        look()

    def _offer(self, payloads: int) -> bool:
        """Whether the connection took them."""
        for _ in range(payloads):
            try:
                self._connection.send(self._payload)
            except TimedOut:
                return False
            self.offered += 1
        return True
