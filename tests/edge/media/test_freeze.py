from edge.media.freeze import FreezeWatch
from tests.fakes import MS, FakeClock, make_frame


def test_change_outside_the_sparse_sample_counts_as_movement() -> None:
    clock, watch = FakeClock(), FreezeWatch(after_ns=400 * MS)
    for step in range(60):
        frame = make_frame(clock, shade=50)
        frame.lease.planes[0].memory[1 + step] = 51  # no multiple of the sample step
        assert watch.observe(frame) is None
        clock.advance(20)


def test_freeze_names_the_time_of_the_first_still_picture() -> None:
    clock, watch = FakeClock(), FreezeWatch(after_ns=100 * MS)
    began = clock.now_ns
    found = None
    for _ in range(10):
        found = watch.observe(make_frame(clock, shade=50))
        clock.advance(20)
    assert found == began


def test_zero_turns_the_watch_off() -> None:
    clock, watch = FakeClock(), FreezeWatch(after_ns=0)
    for _ in range(100):
        assert watch.observe(make_frame(clock)) is None
        clock.advance(100)
