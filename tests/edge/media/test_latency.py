from edge.media.latency import LatencyBook, percentiles
from tests.fakes import MS, FakeClock


def test_percentiles_are_nearest_rank_in_microseconds() -> None:
    found = percentiles([n * 1000 for n in range(1, 101)])
    assert found is not None
    assert (found.p50, found.p95, found.p99) == (51, 96, 100)


def test_nothing_has_no_percentiles() -> None:
    assert percentiles([]) is None


def test_only_the_last_ten_seconds_count() -> None:
    clock = FakeClock()
    book = LatencyBook(clock=clock)
    book.record("encode", 100 * MS)
    clock.advance(10_001)
    book.record("encode", 5 * MS)
    assert book.report()["encode"].p99 == 5000
