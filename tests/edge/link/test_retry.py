from edge.link.retry import CAP_S, Retry


def ceilings(retry: Retry, count: int) -> list[float]:
    return [retry.next_wait_s(connected_s=0) for _ in range(count)]


def test_the_first_retry_is_spread_then_waits_double_to_the_cap() -> None:
    retry = Retry(spread_s=5, chance=lambda: 1.0)
    assert ceilings(retry, 11) == [5, 2, 4, 8, 16, 32, 64, 128, 256, CAP_S, CAP_S]


def test_every_wait_is_drawn_from_zero() -> None:
    retry = Retry(spread_s=5, chance=lambda: 0.0)
    assert ceilings(retry, 5) == [0] * 5


def test_only_a_stable_minute_starts_over() -> None:
    retry = Retry(spread_s=5, chance=lambda: 1.0)
    ceilings(retry, 6)
    assert retry.next_wait_s(connected_s=59.9) == 64
    assert retry.next_wait_s(connected_s=60) == 5


def test_a_refusal_goes_straight_to_the_cap_and_stays() -> None:
    retry = Retry(spread_s=5, chance=lambda: 1.0)
    assert retry.next_wait_s(connected_s=0, refused=True) == CAP_S
    assert retry.next_wait_s(connected_s=0) == CAP_S


def test_two_boxes_with_one_id_do_not_fight_even_when_each_holds_a_minute() -> None:
    retry = Retry(spread_s=5, chance=lambda: 1.0)
    assert [retry.next_wait_s(connected_s=70, refused=True) for _ in range(3)] == [CAP_S] * 3
