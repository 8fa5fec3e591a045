import pytest

from edge.link import journal
from edge.link.envelope import Order
from edge.link.store import Store
from edge.model.command import Lane, Result, ResultState


def an_order(id: str, ctr: int = 1) -> Order:
    return Order(id=id, ctr=ctr, op="stream.start", args={}, by="", iat_ms=0, exp_ms=1)


async def accept(store: Store, id: str, *, ctr: int = 1, kid: str = "k", lane: Lane = Lane.STREAM, at: int = 0) -> None:
    await store.run(lambda db: journal.accept(db, an_order(id, ctr), kid=kid, lane=lane, at_ms=at))


async def finish(store: Store, id: str) -> None:
    result = Result(id, ResultState.DONE, payload={"n": 1})
    await store.run(lambda db: journal.finish(db, result))


async def test_an_accepted_command_is_known_without_result(store: Store) -> None:
    await accept(store, "a")
    assert await store.run(lambda db: journal.find(db, "a")) == journal.Known("a", "stream.start", None)
    assert await store.run(lambda db: journal.find(db, "b")) is None


async def test_a_result_is_kept_whole(store: Store) -> None:
    await accept(store, "a")
    await finish(store, "a")
    known = await store.run(lambda db: journal.find(db, "a"))
    assert known is not None
    assert known.result == Result("a", ResultState.DONE, payload={"n": 1})


async def test_counters_are_per_key_and_lane(store: Store) -> None:
    await accept(store, "a", ctr=7)
    await accept(store, "b", ctr=3, lane=Lane.RECORD)
    await accept(store, "c", ctr=9, kid="other")
    found = await store.run(
        lambda db: [
            journal.last_ctr(db, "k", Lane.STREAM),
            journal.last_ctr(db, "k", Lane.RECORD),
            journal.last_ctr(db, "other", Lane.STREAM),
            journal.last_ctr(db, "k", Lane.CONFIG),
        ]
    )
    assert found == [7, 3, 9, None]


async def test_what_had_no_result_at_start_is_interrupted_once(store: Store) -> None:
    await accept(store, "done", ctr=1)
    await finish(store, "done")
    await accept(store, "cut", ctr=2)
    ended = await store.run(journal.interrupt_unfinished)
    assert [(op, result.id, result.st) for op, result in ended] == [("stream.start", "cut", "interrupted")]
    assert await store.run(journal.interrupt_unfinished) == []
    known = await store.run(lambda db: journal.find(db, "cut"))
    assert known is not None
    assert known.result is not None
    assert known.result.st is ResultState.INTERRUPTED


@pytest.mark.parametrize(("age_ms", "left"), [(journal.KEEP_MS, 4097), (journal.KEEP_MS + 1, 4096)])
async def test_pruning_keeps_seven_days_and_at_least_4096(store: Store, age_ms: int, left: int) -> None:
    def fill(db: journal.sqlite3.Connection) -> None:
        for n in range(4097):
            journal.accept(db, an_order(f"id-{n}", n), kid="k", lane=Lane.STREAM, at_ms=0)
            journal.finish(db, Result(f"id-{n}", ResultState.DONE))

    await store.run(fill)
    await store.run(lambda db: journal.prune(db, now_ms=age_ms))
    count = await store.run(lambda db: db.execute("SELECT COUNT(*) FROM journal").fetchone()[0])
    assert count == left
    assert await store.run(lambda db: journal.find(db, "id-4096")) is not None
