from edge.link.series import Series
from edge.link.store import Store


async def writes(store: Store) -> int:
    return await store.run(lambda db: db.total_changes)


async def test_numbers_rise_and_the_disk_is_touched_once_in_many(store: Store) -> None:
    series = Series(store, "n", reserve=4)
    before = await writes(store)
    assert [await series.next() for _ in range(4)] == [1, 2, 3, 4]
    assert await writes(store) - before == 1
    assert await series.next() == 5
    assert await writes(store) - before == 2


async def test_after_a_restart_it_goes_on_above_all_that_it_gave(store: Store) -> None:
    first = Series(store, "n", reserve=4)
    assert [await first.next() for _ in range(6)][-1] == 6
    assert await Series(store, "n", reserve=4).next() == 9


async def test_two_series_do_not_disturb_each_other(store: Store) -> None:
    one, other = Series(store, "one", reserve=2), Series(store, "other", reserve=2)
    assert [await one.next(), await one.next(), await one.next(), await other.next()] == [1, 2, 3, 1]
