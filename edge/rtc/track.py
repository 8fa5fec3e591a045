"""One viewer's supply of access units, as aiortc wants a track."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from av import Packet

from edge.model.frame import PTS_HZ, AccessUnit
from edge.ports import Clock
from edge.runtime.mailbox import DropToKeyframe

_TIME_BASE = Fraction(1, PTS_HZ)
_ASK_AGAIN_NS = 500_000_000
_REMEMBERED = 600


@dataclass(frozen=True, slots=True)
class Delay:
    """Microseconds; None before anything was sent."""

    p50_us: int | None
    p95_us: int | None


class UnitTrack(MediaStreamTrack):
    """Bounded queue in front of one RTP sender: when the oldest has waited here too long, everything goes up to the
    next keyframe. A unit that was old when it came is no sign that this viewer lags: only a very old one goes for that.

    It takes nothing before the sender asks for its first unit, so that the time a viewer needs
    to connect does not count as delay. `on_keyframe_wanted` is called with the reason when it
    starts, after a drop, and again every 0.5 s while no keyframe comes. Event loop only.
    """

    kind = "video"

    def __init__(
        self,
        *,
        clock: Clock,
        on_keyframe_wanted: Callable[[str], None],
        max_age_ns: int = 1_000_000_000,
        max_wait_ns: int = 100_000_000,
    ) -> None:
        super().__init__()
        self._clock = clock
        self._on_keyframe_wanted = on_keyframe_wanted
        self._queue = DropToKeyframe(max_age_ns=max_age_ns, max_wait_ns=max_wait_ns)
        self._filled = asyncio.Event()
        self._started = False
        self._reason = "join"
        self._asked_ns: int | None = None
        self._before_start = 0
        self._sending: tuple[AccessUnit, int] | None = None
        self._queued_ns: deque[int] = deque(maxlen=_REMEMBERED)
        self._sent_ns: deque[int] = deque(maxlen=_REMEMBERED)
        self.delivered = 0

    @property
    def dropped(self) -> int:
        """Units lost to this viewer since its first picture."""
        return self._queue.dropped - self._before_start if self.delivered else 0

    @property
    def queue_delay(self) -> Delay:
        """From encoded to taken for sending."""
        return _delay(self._queued_ns)

    def waiting_ns(self) -> int | None:
        """How long the next unit has been waiting to be sent; None when there is none."""
        since_ns = self._queue.waiting_since_ns()
        return None if since_ns is None else self._clock.mono_ns() - since_ns

    @property
    def send_delay(self) -> Delay:
        """From taken to handed to the network."""
        return _delay(self._sent_ns)

    def put(self, unit: AccessUnit) -> None:
        if not self._started:
            return
        if self._queue.put(unit, now_ns=self._clock.mono_ns()):
            self._ask()
        else:
            self._reason, self._asked_ns = "overflow", None
            self._filled.set()

    def resync(self, reason: str, *, after_s: float = 0.0) -> None:
        """Go on at the next keyframe only: units were lost. It is asked for `after_s`, which is less than 0.5."""
        if self._started:
            self._queue.wait_for_keyframe()
            self._reason = reason
            self._asked_ns = self._clock.mono_ns() - _ASK_AGAIN_NS + round(after_s * 1e9)
            self._ask()

    async def next_unit(self) -> AccessUnit:
        """The next unit to send. Raises MediaStreamError once the track has been stopped."""
        self._finish_sending()
        if not self._started:
            self._started = True
            self._ask()
        while (unit := self._queue.take(0)) is None:
            if self.readyState != "live":
                raise MediaStreamError
            self._filled.clear()
            await self._filled.wait()
        return self._begin_sending(unit)

    async def recv(self) -> Packet[Any]:
        """aiortc's own way to take a unit: Annex B bytes with `pts` in 1/90000 s."""
        unit = await self.next_unit()
        packet = Packet(unit.data)
        packet.pts = unit.pts
        packet.time_base = _TIME_BASE
        packet.is_keyframe = unit.key
        return packet

    def stop(self) -> None:
        super().stop()
        self._filled.set()

    def _ask(self) -> None:
        now_ns = self._clock.mono_ns()
        if self._asked_ns is not None and now_ns - self._asked_ns < _ASK_AGAIN_NS:
            return
        self._asked_ns = now_ns
        self._on_keyframe_wanted(self._reason)

    def _begin_sending(self, unit: AccessUnit) -> AccessUnit:
        now_ns = self._clock.mono_ns()
        if not self.delivered:
            self._before_start = self._queue.dropped
        self.delivered += 1
        self._queued_ns.append(now_ns - unit.stamps.encode_end_ns)
        self._sending = (unit, now_ns)
        return unit

    def _finish_sending(self) -> None:
        if self._sending is not None:
            self._sent_ns.append(self._clock.mono_ns() - self._sending[1])
            self._sending = None


def _delay(samples_ns: Sequence[int]) -> Delay:
    if not samples_ns:
        return Delay(None, None)
    ordered = sorted(samples_ns)
    return Delay(ordered[len(ordered) // 2] // 1000, ordered[len(ordered) * 95 // 100] // 1000)
