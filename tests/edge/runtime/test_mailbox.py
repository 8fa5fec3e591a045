import pytest

from edge.runtime.mailbox import DropToKeyframe, LatestOnly
from tests.fakes import MS, FakeClock, make_frame, make_unit


def test_latest_only_keeps_the_newest_and_gives_the_older_back() -> None:
    clock, back = FakeClock(), []
    box = LatestOnly()
    box.put(make_frame(clock, seq=1, give_back=lambda: back.append(1)))
    box.put(make_frame(clock, seq=2, give_back=lambda: back.append(2)))
    taken = box.take(0)
    assert taken is not None
    assert taken.seq == 2
    assert back == [1]
    assert box.dropped == 1


def test_dropped_discontinuity_survives_in_the_newer_frame() -> None:
    clock, box = FakeClock(), LatestOnly()
    box.put(make_frame(clock, seq=1, discontinuity=True))
    box.put(make_frame(clock, seq=2))
    taken = box.take(0)
    assert taken is not None
    assert taken.discontinuity


def test_nothing_passes_before_the_first_keyframe() -> None:
    clock, box = FakeClock(), DropToKeyframe(max_age_ns=100 * MS)
    assert box.put(make_unit(clock, seq=1), now_ns=clock.now_ns)
    assert not box.put(make_unit(clock, seq=2, key=True), now_ns=clock.now_ns)
    taken = box.take(0)
    assert taken is not None
    assert taken.seq == 2
    assert not taken.discontinuity, "nothing was lost: it has just begun"
    assert box.dropped == 1


def test_old_queue_is_dropped_up_to_the_next_keyframe() -> None:
    clock, box = FakeClock(), DropToKeyframe(max_age_ns=100 * MS)
    box.put(make_unit(clock, seq=1, key=True), now_ns=clock.now_ns)
    clock.advance(101)
    assert box.put(make_unit(clock, seq=2), now_ns=clock.now_ns), "a keyframe is needed now"
    assert box.take(0) is None
    assert not box.put(make_unit(clock, seq=3, key=True), now_ns=clock.now_ns)
    assert box.take(0) is not None
    assert box.dropped == 2


def test_full_queue_is_dropped_up_to_the_next_keyframe() -> None:
    clock, box = FakeClock(), DropToKeyframe(max_age_ns=10_000 * MS, max_units=3)
    for seq in range(3):
        box.put(make_unit(clock, seq=seq, key=seq == 0), now_ns=clock.now_ns)
    assert box.put(make_unit(clock, seq=3), now_ns=clock.now_ns)
    assert box.dropped == 4


def test_keyframe_after_a_gap_carries_the_discontinuity_once() -> None:
    clock, box = FakeClock(), DropToKeyframe(max_age_ns=100 * MS)
    box.put(make_unit(clock, seq=1, key=True), now_ns=clock.now_ns)
    clock.advance(101)
    for seq in (2, 3):
        box.put(make_unit(clock, seq=seq, key=True), now_ns=clock.now_ns)
    first, second = box.take(0), box.take(0)
    assert first is not None
    assert second is not None
    assert (first.discontinuity, second.discontinuity) == (True, False)


@pytest.mark.parametrize("skew_ppm", [100, -100])
def test_a_day_of_a_consumers_wrong_clock_does_not_let_the_queue_grow(skew_ppm: int) -> None:
    """A keyframe a second, for 24 h, to one that takes by a clock of its own."""
    clock, box = FakeClock(), DropToKeyframe(max_age_ns=250 * MS)
    period_ns, takes_every_ns = 1000 * MS, 1000 * MS * (1_000_000 + skew_ppm) // 1_000_000
    take_ns = begin_ns = clock.now_ns
    worst_ns = 0
    for seq in range(24 * 3600):
        clock.now_ns = begin_ns + seq * period_ns
        box.put(make_unit(clock, seq=seq, key=True), now_ns=clock.now_ns)
        while take_ns < clock.now_ns + period_ns:
            if (unit := box.take(0)) is not None:
                worst_ns = max(worst_ns, take_ns - unit.stamps.encode_end_ns)
            take_ns += takes_every_ns
    assert worst_ns <= period_ns + 250 * MS
    assert box.dropped <= 24 * 3600 * abs(skew_ppm) // 1_000_000 + 1
