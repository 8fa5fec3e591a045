from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable

import pytest

from edge.model.feedback import Role
from edge.rtc import outflow as module
from edge.rtc.outflow import Outflow
from edge.rtc.path_meter import PathMeter
from edge.rtc.rtp_stream import CodedPicture, Negotiated, RtpStream
from edge.rtc.track import UnitTrack
from edge.rtc.transport_feedback import TRANSPORT_WIDE, TransportFeedback
from tests.edge.rtc.conftest import StandingClock

MS = 1_000_000
SETTLED = Negotiated(96, 7, 8, rtx_payload_type=97, extensions={TRANSPORT_WIDE: 3})
Row = tuple[int, bool, int]


class Wire:
    """An outflow whose time moves only while it sleeps; `rows` are (ms, repeated, RTP sequence of what was asked)."""

    def __init__(self, clock: StandingClock, *, settled: Negotiated = SETTLED) -> None:
        self.clock = clock
        self.begin_ns = clock.now_ns
        self.rows: list[Row] = []
        self.raw: list[bytes] = []
        self.waits = False
        self.full_ms = 0
        self.anew: list[int] = []
        self.during: dict[int, Callable[[], object]] = {}
        self.meter = PathMeter(sink="v", role=Role.GUIDE)
        self.out = Outflow(
            stream=RtpStream(settled),
            meter=self.meter,
            clock=clock,
            send=self._send,
            behind=lambda: self.waits,
            clogged=lambda: self.ms < self.full_ms,
            start_anew=lambda: self.anew.append(self.ms),
        )

    @property
    def ms(self) -> int:
        return (self.clock.now_ns - self.begin_ns) // MS

    async def picture(self, packets: int) -> list[Row]:
        before = len(self.rows)
        await self.out.send_picture(CodedPicture([b"p%03d" % index for index in range(packets)], 0, None, 33 * MS))
        return self.rows[before:]

    async def sleep(self, seconds: float) -> None:
        self.clock.advance(seconds)
        for at_ms in [at_ms for at_ms in self.during if at_ms <= self.ms]:
            asked = self.during.pop(at_ms)()
            if asyncio.iscoroutine(asked):
                await asked

    async def _send(self, raw: bytes) -> None:
        again = raw[8:12] == b"\0\0\0\x08"
        at = 20 if again else 2
        self.rows.append((self.ms, again, int.from_bytes(raw[at : at + 2], "big")))
        self.raw.append(raw)


@pytest.fixture
def wire(clock: StandingClock, monkeypatch: pytest.MonkeyPatch) -> Wire:
    wire = Wire(clock)
    monkeypatch.setattr(module.asyncio, "sleep", wire.sleep)
    return wire


def numbers(raw: list[bytes]) -> list[int]:
    return [int.from_bytes(packet[17:19], "big") for packet in raw]


async def test_a_keyframe_is_spread_and_a_small_picture_is_not(wire: Wire) -> None:
    assert {at_ms for at_ms, _, _ in await wire.picture(10)} == {0}
    rows = await wire.picture(100)
    assert len(rows) == 100
    assert 22 <= rows[-1][0] <= 24


async def test_nothing_is_held_back_once_the_next_picture_waits(wire: Wire) -> None:
    wire.during[10] = lambda: setattr(wire, "waits", True)
    rows = await wire.picture(200)
    assert rows[-1][0] == 10
    assert sum(at_ms == 10 for at_ms, _, _ in rows) > 50


async def test_repetitions_go_first_while_a_picture_is_leaving(wire: Wire) -> None:
    lost = [number for _, _, number in await wire.picture(8)]
    wire.during[6] = lambda: wire.out.send_again(lost)
    rows = await wire.picture(100)
    at = rows.index(next(row for row in rows if row[1]))
    assert rows[at][0] in (6, 7)
    assert [number for _, _, number in rows[at : at + 8]] == lost
    assert all(again for _, again, _ in rows[at : at + 8])
    assert rows[-1][0] > 24


async def test_repetitions_leave_at_once_while_nothing_else_does(wire: Wire) -> None:
    lost = [number for _, _, number in await wire.picture(10)]
    await wire.out.send_again(lost[3:5])
    assert wire.rows[-2:] == [(0, True, lost[3]), (0, True, lost[4])]
    assert wire.out.repeated == 2


async def test_of_many_repetitions_some_leave_at_once_and_the_others_before_the_next_picture(wire: Wire) -> None:
    lost = [number for _, _, number in await wire.picture(50)]
    before = len(wire.rows)
    await wire.out.send_again(lost)
    assert len(wire.rows) - before == 10
    assert [number for _, _, number in wire.rows[before:]] == lost[:10]
    rows = await wire.picture(3)
    assert [again for _, again, _ in rows] == [True] * 40 + [False] * 3


async def test_transport_wide_numbers_follow_the_order_of_leaving(wire: Wire) -> None:
    lost = [number for _, _, number in await wire.picture(8)]
    wire.during[6] = lambda: wire.out.send_again(lost)
    await wire.picture(100)
    assert numbers(wire.raw) == list(range(1, 117))


async def test_a_storm_of_requests_cannot_take_more_than_its_share(wire: Wire) -> None:
    payload = 300 * 1200

    async def one_second(storm: bool) -> int:
        before = sum(map(len, wire.raw))
        for _ in range(30):
            first = len(wire.rows)
            await wire.out.send_picture(CodedPicture([bytes(1200)] * 10, 0, None, 33 * MS))
            wire.clock.advance(0.033)
            if storm:
                recent = [number for _, again, number in wire.rows[max(0, first - 100) :] if not again]
                await wire.out.send_again(recent * 10)
        return sum(map(len, wire.raw)) - before

    await one_second(storm=True)
    await one_second(storm=True)
    assert await one_second(storm=True) < payload * 1.6
    assert wire.out.refused > 0


async def test_requests_beyond_all_reason_are_not_even_queued(wire: Wire) -> None:
    await wire.out.send_again(list(range(50_000)))
    assert wire.out.refused >= 47_000
    assert len(wire.out._asked) <= 2048


def delivers(wire: Wire, packets: int) -> None:
    """Of late that many of 1000 bytes arrived in a tenth of a second."""
    for number in range(packets):
        wire.meter.sent(number, wire.clock.now_ns, 1000)
    arrivals = tuple((number, number * 100 * MS // packets) for number in range(packets))
    wire.meter.heard_feedback(TransportFeedback(0, packets, 100, 0, arrivals), wire.clock.now_ns)


async def test_what_takes_longer_to_repeat_than_a_keyframe_is_given_up_for_one(wire: Wire) -> None:
    delivers(wire, 50)  # 4 Mbit/s
    lost = [number for _, _, number in await wire.picture(100)]
    before = len(wire.rows)
    await wire.out.send_again(lost)
    assert (len(wire.rows) - before, wire.anew, wire.out.refused) == (0, [wire.ms], 100)
    await wire.out.send_again(lost[:5])
    assert (len(wire.rows) - before, len(wire.anew)) == (0, 1), "nothing from before is repeated any more"
    later = [number for _, _, number in await wire.picture(8)]
    await wire.out.send_again(later[:5])
    assert wire.out.repeated == 5


async def test_a_few_are_repeated_however_slow_the_path(wire: Wire) -> None:
    delivers(wire, 50)
    lost = [number for _, _, number in await wire.picture(20)]
    await wire.out.send_again(lost)
    assert wire.anew == []
    assert wire.out.repeated == 10


async def test_a_socket_that_takes_nothing_holds_the_picture(wire: Wire) -> None:
    wire.full_ms = 40
    rows = await wire.picture(5)
    assert {at_ms for at_ms, _, _ in rows} == {40}


async def test_the_age_of_the_picture_that_leaves_is_known(wire: Wire) -> None:
    ages: list[int] = []
    wire.during[10] = lambda: ages.append(wire.out.age_ns(wire.clock.now_ns) // MS)
    await wire.picture(100)
    assert ages[0] in (10, 11)
    assert wire.out.age_ns(wire.clock.now_ns) == 0


async def test_without_a_stream_for_it_the_same_bytes_go_again_under_their_old_number(
    clock: StandingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    wire = Wire(clock, settled=Negotiated(96, 7, 8, extensions={TRANSPORT_WIDE: 3}))
    monkeypatch.setattr(module.asyncio, "sleep", wire.sleep)
    [(_, _, number)] = await wire.picture(1)
    await wire.out.send_again([number])
    assert wire.raw[0] == wire.raw[1]
    assert len(wire.meter._trail._flying) == 1


async def test_a_socket_that_was_full_makes_the_viewer_drop_and_not_drift(wire: Wire, clock, make_unit) -> None:
    track = UnitTrack(clock=clock, on_keyframe_wanted=lambda _: None)
    ages_ms: list[tuple[int, int]] = []
    put_ms: dict[int, int] = {}

    def put(seq: int) -> None:
        put_ms[seq] = wire.ms
        track.put(make_unit(seq, key=seq % 15 == 0, at_ns=clock.now_ns))

    waiting = asyncio.ensure_future(track.next_unit())
    await asyncio.wait([waiting], timeout=0)
    put(0)
    await waiting
    wire.during = {33 * seq: functools.partial(put, seq) for seq in range(1, 90)}
    wire.full_ms = 700
    while wire.during:
        await wire.sleep(0.001)
        while track.waiting_ns() is not None:
            unit = await track.next_unit()
            await wire.out.send_picture(CodedPicture([bytes(1200)] * 5, unit.pts, None, 33 * MS))
            ages_ms.append((wire.ms, wire.ms - put_ms[unit.seq]))
    assert track.dropped > 0
    assert max(age for at_ms, age in ages_ms if at_ms < 720) >= 600
    assert max(age for at_ms, age in ages_ms if at_ms > 900) <= 1
    assert ages_ms[-1][0] > 2800
