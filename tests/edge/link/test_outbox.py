import asyncio
import json
from typing import Any

import pytest

from edge.link import store as numbers
from edge.link.letters import Scribe
from edge.link.outbox import KEEP_ACKED, Extent, Letter, Outbox, append
from edge.link.store import Store
from edge.model.command import Result, ResultState


async def put(store: Store, *letters: Letter) -> None:
    await store.run(lambda db: [append(db, letter) for letter in letters])


async def epoch_of(store: Store) -> str:
    return await store.run(numbers.epoch)


async def test_numbers_are_gapless_over_events_and_results(store: Store, scribe: Scribe) -> None:
    result = scribe.result(Result("id", ResultState.DONE), op="a.b")
    await put(store, scribe.event("life", "x", sev=1), result, scribe.event("audit", "y", sev=2))
    posted = await Outbox(store).after(0, limit=16)
    assert [(p.eseq, p.leaf) for p in posted] == [(1, "evt"), (2, "res"), (3, "evt")]


async def test_a_rolled_back_letter_takes_no_number(store: Store, scribe: Scribe) -> None:
    def work(db: Any) -> None:
        append(db, scribe.event("life", "x", sev=1))
        raise KeyError

    for _ in range(2):
        with pytest.raises(KeyError):
            await store.run(work)
    await put(store, scribe.event("life", "y", sev=1))
    assert [p.eseq for p in await Outbox(store).after(0, limit=16)] == [1]


async def test_a_letter_says_everything_the_contract_names(store: Store, scribe: Scribe) -> None:
    await put(store, scribe.event("alarm", "signal.lost", sev=3, state="raised", facts={"a": 1}))
    (posted,) = await Outbox(store).after(0, limit=1)
    body = json.loads(posted.body)
    assert body.keys() == {
        *("v", "epoch", "boot", "eseq", "id", "mono_ms", "ts", "clk", "kind", "sev", "code", "state", "data")
    }
    assert (body["v"], body["eseq"], body["kind"], body["state"]) == (1, 1, "alarm", "raised")


async def test_a_result_carries_state_code_and_payload(store: Store, scribe: Scribe) -> None:
    result = Result("id-1", ResultState.REJECTED, "unknown_sink", "no sink", {"n": 1})
    await put(store, scribe.result(result, op="stream.start"))
    (posted,) = await Outbox(store).after(0, limit=1)
    body = json.loads(posted.body)
    assert body["data"] == {"n": 1}
    assert body["cmd"] == {
        "id": "id-1",
        "st": "rejected",
        "code": "unknown_sink",
        "op": "stream.start",
        "detail": "no sink",
    }


async def test_a_payload_too_big_for_a_packet_is_named_not_sent(store: Store, scribe: Scribe) -> None:
    await put(store, scribe.result(Result("i", ResultState.DONE, payload={"x": "y" * 300_000}), op="o"))
    (posted,) = await Outbox(store).after(0, limit=1)
    assert json.loads(posted.body)["data"] == {"omitted_bytes": 300_009}


async def test_acknowledgement_is_cumulative_and_never_goes_back(store: Store, scribe: Scribe) -> None:
    outbox = Outbox(store)
    epoch = await epoch_of(store)
    await put(store, *(scribe.event("life", "x", sev=1) for _ in range(5)))
    assert await outbox.acknowledge(epoch, 4)
    assert await outbox.acknowledge(epoch, 2)
    assert await outbox.extent() == Extent(epoch, last=5, acked=4, waiting=1)


async def test_a_foreign_acknowledgement_changes_nothing(store: Store, scribe: Scribe) -> None:
    outbox = Outbox(store)
    epoch = await epoch_of(store)
    await put(store, scribe.event("life", "x", sev=1))
    assert not await outbox.acknowledge("another-epoch", 1)
    assert not await outbox.acknowledge(epoch, 2)
    assert not await outbox.acknowledge(epoch, -1)
    assert (await outbox.extent()).acked == 0


async def test_the_last_thousand_acknowledged_can_still_be_resent(store: Store, scribe: Scribe) -> None:
    outbox = Outbox(store)
    await put(store, *(scribe.event("life", "x", sev=1) for _ in range(KEEP_ACKED + 10)))
    await outbox.acknowledge(await epoch_of(store), KEEP_ACKED + 10)
    assert [p.eseq for p in await outbox.after(0, limit=1)] == [11]


async def test_a_buried_letter_is_passed_over(store: Store, scribe: Scribe) -> None:
    outbox = Outbox(store)
    await put(store, *(scribe.event("life", "x", sev=1) for _ in range(3)))
    await outbox.bury(2)
    assert [p.eseq for p in await outbox.after(0, limit=16)] == [1, 3]


async def test_news_come_before_or_after_the_wait(store: Store) -> None:
    outbox = Outbox(store)
    outbox.wake()
    await outbox.news()
    waiting = asyncio.ensure_future(outbox.news())
    await asyncio.sleep(0)
    assert not waiting.done()
    outbox.wake()
    await waiting


async def kinds(store: Store) -> list[tuple[int, str]]:
    return await store.run(lambda db: db.execute("SELECT eseq, kind FROM outbox ORDER BY eseq").fetchall())


async def test_below_the_cap_nothing_is_dropped(store: Store, scribe: Scribe) -> None:
    await put(store, scribe.event("life", "x", sev=1))
    assert await Outbox(store).trim(scribe.event("audit", "outbox.trimmed", sev=2)) == 0
    assert await kinds(store) == [(1, "life")]


async def test_a_full_outbox_drops_the_least_and_says_so(store: Store, scribe: Scribe) -> None:
    outbox = Outbox(store, cap_bytes=1)
    alarm = scribe.event("alarm", "a", sev=3, state="raised", subject="s")
    await put(
        store,
        scribe.event("life", "acknowledged", sev=1),
        alarm,
        alarm,
        scribe.event("life", "x", sev=1),
        scribe.event("audit", "y", sev=1),
        scribe.result(Result("id", ResultState.DONE), op="o"),
    )
    await outbox.acknowledge(await epoch_of(store), 1)
    assert await outbox.trim(scribe.event("audit", "outbox.trimmed", sev=2)) == 2
    assert await kinds(store) == [(3, "alarm"), (5, "audit"), (6, "res"), (7, "audit")]
    marker = (await outbox.after(6, limit=1))[0]
    assert json.loads(marker.body)["data"] == {"dropped": 2, "from": 2, "to": 4}


async def test_an_outbox_that_stays_full_has_one_marker_that_says_it_all(store: Store, scribe: Scribe) -> None:
    outbox = Outbox(store, cap_bytes=1)
    await put(store, scribe.event("audit", "y", sev=2))
    for _ in range(5):
        await put(store, scribe.event("life", "x", sev=1))
        assert await outbox.trim(scribe.event("audit", "outbox.trimmed", sev=2)) == 1
    assert [eseq for eseq, _ in await kinds(store)] == [1, 11]
    (marker,) = await outbox.after(1, limit=2)
    assert json.loads(marker.body)["data"] == {"dropped": 5, "from": 2, "to": 10}


async def test_a_marker_that_the_controller_has_had_is_not_said_again(store: Store, scribe: Scribe) -> None:
    outbox = Outbox(store, cap_bytes=1)
    for acked in (2, 4):
        await put(store, scribe.event("life", "x", sev=1))
        await outbox.trim(scribe.event("audit", "outbox.trimmed", sev=2))
        marker = (await outbox.after(acked - 1, limit=1))[0]
        assert json.loads(marker.body)["data"] == {"dropped": 1, "from": acked - 1, "to": acked - 1}
        await outbox.acknowledge(await epoch_of(store), acked)


async def test_the_full_outbox_stops_dropping_as_soon_as_it_fits(store: Store, scribe: Scribe) -> None:
    letters = [scribe.event("life", "x", sev=1) for _ in range(4)]
    await put(store, *letters)
    size = await store.run(lambda db: numbers.number(db, "outbox_bytes"))
    outbox = Outbox(store, cap_bytes=size - 1)
    await outbox.acknowledge(await epoch_of(store), 2)
    assert await outbox.trim(scribe.event("audit", "outbox.trimmed", sev=2)) == 0
    assert await kinds(store) == [(3, "life"), (4, "life")]
