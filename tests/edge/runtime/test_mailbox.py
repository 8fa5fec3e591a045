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
