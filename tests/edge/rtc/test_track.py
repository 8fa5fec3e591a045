from __future__ import annotations

import asyncio
from collections.abc import Callable
from fractions import Fraction

import pytest
from aiortc.mediastreams import MediaStreamError

from edge.model.frame import AccessUnit
from edge.rtc.track import Delay, UnitTrack

MakeUnit = Callable[..., AccessUnit]


@pytest.fixture
def asked() -> list[str]:
    return []


@pytest.fixture
def track(clock, asked: list[str]) -> UnitTrack:
    return UnitTrack(clock=clock, on_keyframe_wanted=asked.append)


async def started(track: UnitTrack) -> asyncio.Future[AccessUnit]:
    waiting = asyncio.ensure_future(track.next_unit())
    await asyncio.sleep(0)
    return waiting


async def test_nothing_is_queued_before_the_sender_asks(track: UnitTrack, make_unit: MakeUnit, asked) -> None:
    track.put(make_unit(1, key=True))
    waiting = await started(track)
    assert not waiting.done()
    assert asked == ["join"]
    waiting.cancel()


async def test_a_joining_viewer_starts_at_a_keyframe(track: UnitTrack, make_unit: MakeUnit) -> None:
    waiting = await started(track)
    track.put(make_unit(1))
    track.put(make_unit(2, key=True))
    assert (await waiting).seq == 2


async def test_what_was_not_for_the_viewer_is_not_counted_as_lost(track: UnitTrack, make_unit: MakeUnit) -> None:
    waiting = await started(track)
    for seq in range(5):
        track.put(make_unit(seq))
    assert track.dropped == 0
    track.put(make_unit(5, key=True))
    await waiting
    assert (track.delivered, track.dropped) == (1, 0)


async def test_a_keyframe_is_asked_again_only_after_half_a_second(track, clock, make_unit: MakeUnit, asked) -> None:
    waiting = await started(track)
    track.put(make_unit(1))
    clock.advance(0.4)
    track.put(make_unit(2))
    assert asked == ["join"]
    clock.advance(0.2)
    track.put(make_unit(3))
    assert asked == ["join", "join"]
    waiting.cancel()


async def test_a_late_viewer_drops_to_the_next_keyframe_and_asks_for_it(track, clock, make_unit, asked) -> None:
    waiting = await started(track)
    track.put(make_unit(1, key=True))
    await waiting
    track.put(make_unit(2, at_ns=clock.now_ns))
    clock.advance(0.3)
    track.put(make_unit(3, at_ns=clock.now_ns))
    track.put(make_unit(4, at_ns=clock.now_ns, key=True))
    assert (await track.next_unit()).seq == 4
    assert track.dropped == 2
    assert asked == ["join", "overflow"]


async def test_what_has_waited_for_100_ms_is_dropped_whatever_its_age_when_it_came(
    track, clock, make_unit, asked
) -> None:
    waiting = await started(track)
    old_ns = clock.now_ns - 120_000_000
    track.put(make_unit(1, key=True, at_ns=old_ns))
    track.put(make_unit(2, at_ns=old_ns))
    await waiting
    clock.advance(0.09)
    assert track.waiting_ns() == 90_000_000
    track.put(make_unit(3, at_ns=clock.now_ns))
    assert track.dropped == 0
    clock.advance(0.02)
    track.put(make_unit(4, at_ns=clock.now_ns))
    assert track.dropped == 3
    assert track.waiting_ns() is None
    assert asked == ["join", "overflow"]


async def test_units_that_come_late_together_after_a_stall_are_all_sent(track, clock, make_unit, asked) -> None:
    waiting = await started(track)
    track.put(make_unit(1, key=True))
    await waiting
    for index in range(6):
        track.put(make_unit(2 + index, at_ns=clock.now_ns - 400_000_000 + index * 33_000_000))
    assert [(await track.next_unit()).seq for _ in range(6)] == [2, 3, 4, 5, 6, 7]
    assert (track.dropped, asked) == (0, ["join"])


async def test_after_a_reconnect_only_a_keyframe_goes_on(track, make_unit: MakeUnit, asked) -> None:
    waiting = await started(track)
    track.put(make_unit(1, key=True))
    await waiting
    track.resync("reconnect")
    track.put(make_unit(2))
    track.put(make_unit(3, key=True))
    assert (await track.next_unit()).seq == 3
    assert asked == ["join", "reconnect"]


def test_a_track_nobody_reads_asks_for_nothing(track: UnitTrack, asked: list[str]) -> None:
    track.resync("reconnect")
    assert asked == []


async def test_packets_carry_monotonic_time_at_90_khz(track: UnitTrack, make_unit: MakeUnit) -> None:
    await started(track)
    track.put(make_unit(1, key=True))
    track.put(make_unit(2, at_ns=1_500_000_000))
    await asyncio.sleep(0)
    packet = await track.recv()
    assert (packet.pts, packet.time_base, packet.is_keyframe) == (135_000, Fraction(1, 90_000), False)
    assert bytes(packet) == make_unit(2).data


async def test_time_in_queue_and_time_to_send_are_told_apart(track, clock, make_unit: MakeUnit) -> None:
    assert track.queue_delay == Delay(None, None)
    await started(track)
    track.put(make_unit(1, key=True, at_ns=clock.now_ns))
    clock.advance(0.002)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    clock.advance(0.005)
    await started(track)
    assert track.queue_delay == Delay(2000, 2000)
    assert track.send_delay == Delay(5000, 5000)


async def test_a_stopped_track_wakes_its_reader(track: UnitTrack) -> None:
    waiting = await started(track)
    track.stop()
    with pytest.raises(MediaStreamError):
        await waiting
