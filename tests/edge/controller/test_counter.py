from __future__ import annotations

from pathlib import Path

from edge.controller.counter import Counter
from edge.controller.home import Home


class Watch:
    def __init__(self, now_us: int) -> None:
        self.now_us = now_us

    def __call__(self) -> int:
        return self.now_us


def writes(home: Home) -> str:
    return (home.path / "counter.json").read_text()


async def test_numbers_follow_the_clock_and_rise_when_it_stands_or_goes_back(tmp_path: Path) -> None:
    watch = Watch(1000)
    counter = Counter(Home(tmp_path), now_us=watch, span_us=100)
    assert [await counter.next() for _ in range(3)] == [1000, 1001, 1002]
    watch.now_us = 500
    assert await counter.next() == 1003
    watch.now_us = 1050
    assert await counter.next() == 1050


async def test_the_disk_is_written_once_in_a_span(tmp_path: Path) -> None:
    watch = Watch(1000)
    home = Home(tmp_path)
    counter = Counter(home, now_us=watch, span_us=100)
    await counter.next()
    before = writes(home)
    watch.now_us = 1099
    await counter.next()
    assert writes(home) == before
    assert await counter.next() == 1100
    assert writes(home) != before


async def test_a_new_process_is_above_all_before_it_even_with_the_clock_set_back(tmp_path: Path) -> None:
    old = Counter(Home(tmp_path), now_us=Watch(5000), span_us=100)
    given = [await old.next() for _ in range(50)]
    new = Counter(Home(tmp_path), now_us=Watch(2000), span_us=100)
    assert await new.next() > max(given)


async def test_a_second_process_does_not_outrun_the_first(tmp_path: Path) -> None:
    """Else each command of the first would be stale until its clock has caught up."""
    watch = Watch(5000)
    first, second = (Counter(Home(tmp_path), now_us=watch, span_us=100) for _ in range(2))
    taken = []
    for moment in range(5000, 5500, 7):
        watch.now_us = moment
        taken += [await (first if moment % 2 else second).next()]
    assert taken == sorted(set(taken))


async def test_a_leap_is_above_what_every_process_has_reserved(tmp_path: Path) -> None:
    first, second = (Counter(Home(tmp_path), now_us=Watch(5000), span_us=100) for _ in range(2))
    await second.next()
    await first.leap()
    high = [await first.next() for _ in range(3)]
    assert high[0] > 5100 > await second.next()
    await second.leap()
    assert await second.next() > high[-1]
    third = Counter(Home(tmp_path), now_us=Watch(5001), span_us=100)
    assert await third.next() > high[-1]
