from __future__ import annotations

import itertools

import pytest

from edge.rtc.pacer import Pacer, Share

MS = 1_000_000
INTERVAL = 33 * MS


def leaving(
    packets: int, *, interval_ns: int = INTERVAL, repeats: int = 0, rtt_ns: int | None = None
) -> list[tuple[float, int]]:
    """(ms after the beginning, packets of the picture) of each group; `repeats` repetitions go ahead of the second."""
    pacer, groups, now_ns = Pacer(), [], 5 * MS
    pacer.begin(packets, interval_ns=interval_ns, now_ns=now_ns, rtt_ns=rtt_ns)
    left = packets
    while left:
        taken = min(left, pacer.quota(now_ns))
        if groups and repeats:
            again, repeats = min(repeats, taken), max(0, repeats - taken)
            pacer.took(again)
            taken -= again
        pacer.took(taken)
        left -= taken
        groups.append(((now_ns - 5 * MS) / MS, taken))
        now_ns += max(MS // 10, round(pacer.wait_s(left, now_ns) * 1e9))
    return groups


@pytest.mark.parametrize("packets", [0, 1, 10])
def test_a_small_picture_leaves_at_once(packets: int) -> None:
    assert leaving(packets) == ([(0.0, packets)] if packets else [])


def test_a_picture_whose_pace_is_not_worth_a_timer_leaves_at_once() -> None:
    assert leaving(14) == [(0.0, 14)]
    assert len(leaving(20)) > 1


def test_a_large_picture_leaves_evenly_over_most_of_the_interval() -> None:
    groups = leaving(200)
    assert groups[0] == (0.0, 10)
    assert groups[-1][0] == pytest.approx(0.7 * 33, abs=0.3)
    sizes = [size for _, size in groups[1:-1]]
    assert max(sizes) - min(sizes) <= 1
    assert all(1.9 <= later - earlier <= 2.1 for (earlier, _), (later, _) in itertools.pairwise(groups[:-1]))


def test_a_picture_takes_no_longer_than_the_round_trip() -> None:
    assert leaving(100, rtt_ns=MS) == [(0.0, 100)]
    assert 7 < leaving(100, rtt_ns=8 * MS)[-1][0] < 9
    assert leaving(100, rtt_ns=300 * MS) == leaving(100)


def test_a_picture_of_middle_size_takes_a_part_of_that_time() -> None:
    assert leaving(35)[-1][0] == pytest.approx(0.35 * 33, abs=0.6)


def test_a_slow_stream_is_not_paced_over_its_long_interval() -> None:
    assert leaving(100, interval_ns=1000 * MS)[-1][0] == pytest.approx(35, abs=0.5)


def test_repetitions_push_the_picture_back_by_their_own_time() -> None:
    assert leaving(100, repeats=30)[-1][0] == pytest.approx(0.7 * 33 * 120 / 90, abs=0.6)


def test_a_late_timer_is_made_up_for() -> None:
    pacer = Pacer()
    pacer.begin(100, interval_ns=INTERVAL, now_ns=0)
    pacer.took(pacer.quota(0))
    assert pacer.quota(30 * MS) >= 90


def test_repetitions_get_half_of_what_is_sent_once_their_stock_is_used() -> None:
    share = Share(stock_bytes=10_000)
    sent = 0
    for _ in range(1000):
        share.earn(1200)
        for _ in range(50):
            if not share.exhausted:
                share.spend(1200)
                sent += 1200
    assert sent == pytest.approx(600_000 + 10_000, abs=1200)
