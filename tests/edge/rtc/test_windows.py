from __future__ import annotations

from edge.rtc.windows import WindowMinimum, WindowSum

S = 1_000_000_000


def test_a_sum_forgets_what_is_older_than_its_span() -> None:
    window = WindowSum(S)
    for tenth in range(30):
        window.add(tenth * S // 10, 1)
    assert window.total(29 * S // 10) == 10
    assert window.total(10 * S) == 0


def test_a_steady_flow_has_its_rate_from_the_start() -> None:
    window = WindowSum(S // 2)
    for at_ms in range(2000):
        window.add(at_ms * 1_000_000, 7)
        if at_ms >= 100:
            assert abs(window.per_second(at_ms * 1_000_000) - 7000) < 150


def test_nothing_is_no_rate() -> None:
    assert WindowSum(S).per_second(5 * S) == 0


def test_a_time_that_goes_back_counts_as_the_last() -> None:
    window = WindowSum(S)
    window.add(10 * S, 1)
    window.add(9 * S, 1)
    assert window.total(10 * S) == 2
    assert window.total(11 * S + S // 10) == 0


def test_a_minimum_lasts_for_its_span() -> None:
    window = WindowMinimum(25 * S)
    for second, value in enumerate([5, 3, 9, 4, 8]):
        window.add(second * S, value)
    assert window.least(5 * S) == 3
    assert window.least(25 * S) == 3
    assert window.least(26 * S) == 4
    assert window.least(28 * S) == 8
    assert window.least(60 * S) is None


def test_memory_of_both_is_bounded() -> None:
    total, least = WindowSum(S), WindowMinimum(S)
    for at in range(100_000):
        total.add(at * S // 1000, 1)
        least.add(at * S // 1000, at)
        assert total.total(at * S // 1000) <= 1001
        assert least.least(at * S // 1000) is not None
    assert len(total._parts) <= 26
    assert len(least._rising) <= 26
