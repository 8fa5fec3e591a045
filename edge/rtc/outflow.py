"""One viewer's packets on their way out: pictures paced, repetitions first, each packet counted."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from itertools import islice

from edge.ports import Clock
from edge.rtc.pacer import BURST, Pacer, Share
from edge.rtc.path_meter import PathMeter
from edge.rtc.payload import MAX_PAYLOAD
from edge.rtc.rtp_stream import CodedPicture, RtpStream
from edge.rtc.windows import WindowSum

_MOST_ASKED = 2048
PACKET_BITS = 8 * MAX_PAYLOAD
_FULL_SOCKET_S = 0.002
_HOPELESS_S = 0.15  # a keyframe is there sooner than repetitions that take the path for so long
_OF_LATE_NS = 300_000_000
_LEAST_HOPELESS_BITS = 200_000  # a few packets are repeated however slow the path
_IGNORED_NS = 1_000_000_000


class Outflow:
    """`send` hands a packet to the network. `behind` says whether the next picture waits already: then nothing is
    held back. `clogged` says whether the socket takes nothing more: then the picture waits, and those after it get old.
    `start_anew` is called when so much is lost that a keyframe mends it sooner; nothing from before is repeated then.

    `refused` counts repetitions that were asked for but beyond their share or given up. Event loop only.
    """

    def __init__(
        self,
        *,
        stream: RtpStream,
        meter: PathMeter,
        clock: Clock,
        send: Callable[[bytes], Awaitable[None]],
        behind: Callable[[], bool],
        clogged: Callable[[], bool],
        start_anew: Callable[[], None],
    ) -> None:
        self.stream = stream
        self._meter = meter
        self._clock = clock
        self._send = send
        self._behind = behind
        self._clogged = clogged
        self._start_anew = start_anew
        self._pacer = Pacer()
        self._share = Share()
        self._asked: deque[int] = deque()
        self._repeated_bits = WindowSum(_OF_LATE_NS)
        self._since_ns: int | None = None
        self._given_up: tuple[int, int] | None = None  # the sequence number before which, and until when
        self.repeated = 0
        self.refused = 0

    def age_ns(self, now_ns: int) -> int:
        """How long the picture that is leaving has been at it; 0 when none is."""
        return 0 if self._since_ns is None else now_ns - self._since_ns

    async def send_picture(self, picture: CodedPicture) -> None:
        """Returns when all of it has left. Raises ConnectionError."""
        self._since_ns = self._now()
        try:
            await self._send_paced(picture)
        finally:
            self._since_ns = None

    async def send_again(self, sequences: Sequence[int]) -> None:
        """Some at once; the others before the packets of the picture that is leaving, or comes next."""
        worthwhile = [sequence for sequence in sequences if not self._is_given_up(sequence)]
        room = _MOST_ASKED - len(self._asked)
        self._asked.extend(worthwhile[:room])
        self.refused += len(sequences) - min(room, len(worthwhile))
        self._give_up_if_hopeless()
        if self._since_ns is None:
            self._now()
            await self._repeat(BURST)

    def _is_given_up(self, sequence: int) -> bool:
        if self._given_up is None or self._clock.mono_ns() > self._given_up[1]:
            return False
        return (sequence - self._given_up[0]) & 0xFFFF >= 0x8000

    def _give_up_if_hopeless(self) -> None:
        now_ns = self._clock.mono_ns()
        delivered_bps = self._meter.delivered_bps(now_ns)
        bits = self._repeated_bits.total(now_ns) + len(self._asked) * PACKET_BITS
        if delivered_bps is None or bits < max(_LEAST_HOPELESS_BITS, _HOPELESS_S * delivered_bps):
            return
        self._repeated_bits = WindowSum(_OF_LATE_NS)
        self.refused += len(self._asked)
        self._asked.clear()
        self._given_up = (self.stream.next_sequence, now_ns + _IGNORED_NS)
        self._start_anew()

    async def _send_paced(self, picture: CodedPicture) -> None:
        while self._clogged():  # noqa: ASYNC110 - asyncio tells nobody when a datagram socket has room again
            await asyncio.sleep(_FULL_SOCKET_S)
        packets, left = self.stream.packets(picture), len(picture.payloads)
        now_ns, rtt_ms = self._now(), self._meter.rtt_ms(self._clock.mono_ns())
        rtt_ns = None if rtt_ms is None else round(rtt_ms * 1e6)
        self._pacer.begin(left, interval_ns=picture.interval_ns, now_ns=now_ns, rtt_ns=rtt_ns)
        while True:
            now_ns = self._now()
            quota = left + len(self._asked) if self._behind() else self._pacer.quota(now_ns)
            repeated = await self._repeat(quota)
            fresh = min(left, quota - repeated)
            for packet in islice(packets, fresh):
                await self._put(packet, now_ns)
            left -= fresh
            self._pacer.took(repeated + fresh)
            if left <= 0:
                return
            await asyncio.sleep(self._pacer.wait_s(left, now_ns))

    async def _put(self, packet: bytes, now_ns: int) -> None:
        self._share.earn(len(packet))
        self._meter.sent(self.stream.transport_sequence if self.stream.numbered else None, now_ns, len(packet))
        await self._send(packet)

    async def _repeat(self, most: int) -> int:
        """How many were sent."""
        sent = 0
        now_ns = self._clock.mono_ns()
        rtt_ns = self._meter.round_trip_ns(now_ns)
        while self._asked and sent < most:
            sequence = self._asked.popleft()
            if self._share.exhausted:
                self.refused += 1
                continue
            packet = self.stream.retransmission(sequence, rtt_ns=rtt_ns)
            if packet is None:
                continue
            self._share.spend(len(packet))
            self._repeated_bits.add(now_ns, 8 * len(packet))
            anew = self.stream.numbered and self.stream.repeats_anew
            self._meter.sent(self.stream.transport_sequence if anew else None, now_ns, len(packet))
            sent += 1
            self.repeated += 1
            await self._send(packet)
        return sent

    def _now(self) -> int:
        now_ns = self._clock.mono_ns()
        self.stream.at(now_ns, self._clock.utc_ns(now_ns))
        return now_ns
