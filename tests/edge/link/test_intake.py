"""The intake without a broker: messages in, letters in the outbox out."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from edge.link.engine import Message
from edge.link.intake import Intake
from edge.link.letters import ClockWord, Scribe
from edge.link.outbox import Outbox
from edge.link.refusals import Refusals
from edge.link.state import Revision
from edge.link.store import Store
from edge.model.command import Lane
from edge.model.errors import Unavailable
from edge.runtime.command_bus import CommandBus
from edge.vault.keyring import Keyring
from tests.fakes import FakeClock
from tests.mqtt_orders import STRANGER, order, signed, trust

BOX = "box-abcdef"
NOW_S = 1_800_000_000


YEAR_S = 31_557_600


class Unruly(FakeClock):
    """A clock that somebody may stop disciplining."""

    synced = True

    def synchronised(self) -> bool:
        return self.synced


class Rig:
    def __init__(self, store: Store, scribe: Scribe, tmp_path: Path, *, years_off: int = 0) -> None:
        self.store = store
        self.clock = Unruly(now_ns=(NOW_S - 3600 + years_off * YEAR_S) * 1_000_000_000)
        self.clock.synced = years_off == 0
        self.runs: list[Any] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.bus = CommandBus()
        self.bus.register("stream.start", Lane.STREAM, self._run)
        self.bus.register("record.start", Lane.RECORD, self._run)
        self.masked = False
        self.bus.register("mask.set", Lane.STREAM, self._mask, grave=lambda args: self.masked and not args.get("n"))
        self.bus.register("disk.fail", Lane.SYSTEM, self._fail)
        self.keyring = Keyring(tmp_path / "controllers.json")
        self.keyring.add(trust(not_after_s=NOW_S + YEAR_S))
        self.outbox = Outbox(store)
        self.revision = Revision(store)
        self.intake = Intake(
            box=BOX,
            bus=self.bus,
            keyring=self.keyring,
            store=store,
            outbox=self.outbox,
            scribe=scribe,
            clock=self.clock,
            clock_word=ClockWord(self.clock),
            refusals=Refusals(),
            revision=self.revision,
        )
        self._ctr = 0

    async def _run(self, args: Mapping[str, Any]) -> Mapping[str, Any]:
        self.runs.append(args.get("n"))
        await self.gate.wait()
        return {"n": args.get("n")}

    async def _mask(self, args: Mapping[str, Any]) -> Mapping[str, Any]:
        self.masked = bool(args.get("n"))
        return {}

    async def _fail(self, args: Mapping[str, Any]) -> Mapping[str, Any]:
        raise Unavailable("disk gone", code="disk_gone")

    def order(self, op: str = "stream.start", n: int = 0, **changes: Any) -> dict[str, Any]:
        self._ctr += 1
        fields = {"iat": NOW_S, "exp": NOW_S + 60, "ctr": self._ctr}
        return order(BOX, op, {"n": n}, **{**fields, **changes})

    async def take(self, raw: bytes, *, retain: bool = False) -> None:
        await self.intake.take(Message("t", raw, 1, retain, 1))

    async def letters(self) -> list[dict[str, Any]]:
        return [json.loads(p.body) for p in await self.outbox.after(0, limit=1000)]

    async def told(self) -> list[str]:
        """`state code` of results, the bare code of events."""
        found = await self.letters()
        return [f"{x['cmd']['st']} {x['cmd']['code']}" if "cmd" in x else x["code"] for x in found]

    async def until(self, count: int) -> list[str]:
        async with asyncio.timeout(10):
            while len(told := await self.told()) < count:
                await asyncio.sleep(0.001)
        return told

    @contextlib.asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        task = asyncio.ensure_future(self.intake.work())
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


@pytest.fixture
def rig(store: Store, scribe: Scribe, tmp_path: Path) -> Rig:
    return Rig(store, scribe, tmp_path)


async def test_a_good_command_is_accepted_then_done(rig: Rig) -> None:
    async with rig.working():
        await rig.take(signed(rig.order(n=5)))
        assert (await rig.told())[:1] == ["accepted ok"]
        assert await rig.until(2) == ["accepted ok", "done ok"]
    assert rig.runs == [5]
    assert (await rig.letters())[1]["data"] == {"n": 5}


async def test_accepted_is_on_disk_before_take_returns(rig: Rig) -> None:
    body = rig.order()
    await rig.take(signed(body))
    rows = await rig.store.run(lambda db: db.execute("SELECT id, result FROM journal").fetchall())
    assert rows == [(body["id"], None)]


async def test_a_failed_operation_says_its_code(rig: Rig) -> None:
    async with rig.working():
        await rig.take(signed(rig.order("disk.fail")))
        assert await rig.until(2) == ["accepted ok", "failed disk_gone"]


async def test_a_duplicate_resends_the_result_and_does_not_run(rig: Rig) -> None:
    body = rig.order(n=1)
    async with rig.working():
        await rig.take(signed(body))
        await rig.until(2)
        await rig.take(signed({**body, "ctr": body["ctr"] + 50}))
        assert await rig.until(3) == ["accepted ok", "done ok", "done ok"]
    assert rig.runs == [1]
    letters = await rig.letters()
    assert letters[2]["data"] == letters[1]["data"]
    assert letters[2]["cmd"] == letters[1]["cmd"]


async def test_a_duplicate_of_what_still_runs_says_running(rig: Rig) -> None:
    rig.gate.clear()
    body = rig.order()
    async with rig.working():
        await rig.take(signed(body))
        await rig.take(signed(body))
        assert await rig.told() == ["accepted ok", "running ok"]
        rig.gate.set()
        await rig.until(3)
    assert len(rig.runs) == 1


async def test_a_counter_that_does_not_rise_is_stale_in_its_lane_only(rig: Rig) -> None:
    await rig.take(signed(rig.order(ctr=10)))
    await rig.take(signed(rig.order(ctr=10)))
    await rig.take(signed(rig.order("record.start", ctr=3)))
    await rig.take(signed(rig.order(ctr=11)))
    assert await rig.told() == ["accepted ok", "rejected stale", "accepted ok", "accepted ok"]


async def test_a_refused_command_does_not_raise_the_counter(rig: Rig) -> None:
    await rig.take(signed(rig.order(ctr=100, iat=1, exp=2)))
    await rig.take(signed(rig.order(ctr=5)))
    assert await rig.told() == ["rejected expired", "accepted ok"]


async def test_a_revision_that_moved_on_is_a_mismatch(rig: Rig) -> None:
    await rig.revision.advance(changed=True)
    await rig.take(signed(rig.order(if_rev=1)))
    await rig.revision.advance(changed=False)
    await rig.take(signed(rig.order(if_rev=1)))
    await rig.revision.advance(changed=True)
    await rig.take(signed(rig.order(if_rev=1)))
    assert await rig.told() == ["accepted ok", "accepted ok", "rejected rev_mismatch"]


async def test_an_unknown_operation_is_rejected_and_not_journalled(rig: Rig) -> None:
    await rig.take(signed(rig.order("no.such")))
    assert await rig.told() == ["rejected unknown_operation"]
    assert await rig.store.run(lambda db: db.execute("SELECT COUNT(*) FROM journal").fetchone()) == (0,)


async def test_a_lane_runs_in_order_of_arrival(rig: Rig) -> None:
    async with rig.working():
        for n in range(20):
            await rig.take(signed(rig.order(n=n)))
        await rig.until(40)
    assert rig.runs == list(range(20))


async def test_mask_that_shall_go_needs_the_challenge_and_one_that_comes_does_not(rig: Rig) -> None:
    rig.intake.chal = "CHAL"
    async with rig.working():
        await rig.take(signed(rig.order("mask.set", n=1)))
        assert await rig.until(2) == ["accepted ok", "done ok"]
        await rig.take(signed(rig.order("mask.set", n=0)))
        assert (await rig.told())[2:] == ["rejected challenge_needed"]
        await rig.take(signed(rig.order("mask.set", n=0, chal="CHAL")))
        assert (await rig.until(5))[3:] == ["accepted ok", "done ok"]
    assert not rig.masked


async def test_mask_that_came_while_the_command_waited_is_not_taken_away_without_challenge(rig: Rig) -> None:
    rig.intake.chal = "CHAL"
    await rig.take(signed(rig.order("mask.set", n=1)))
    await rig.take(signed(rig.order("mask.set", n=0)))
    async with rig.working():
        told = await rig.until(4)
    assert told == ["accepted ok", "accepted ok", "done ok", "rejected challenge_needed"]
    assert rig.masked


async def test_a_blocked_lane_does_not_hold_up_another(rig: Rig) -> None:
    rig.gate.clear()
    async with rig.working():
        await rig.take(signed(rig.order()))
        await rig.take(signed(rig.order("disk.fail")))
        assert await rig.until(3) == ["accepted ok", "accepted ok", "failed disk_gone"]
        rig.gate.set()


async def test_a_full_lane_refuses_without_using_up_the_command(rig: Rig) -> None:
    for _ in range(64):
        await rig.take(signed(rig.order()))
    late = signed(rig.order())
    await rig.take(late)
    async with rig.working():
        await rig.until(65 + 64)
        await rig.take(late)
        told = await rig.until(65 + 64 + 2)
    assert told[64] == "rejected busy"
    assert told[-2:] == ["accepted ok", "done ok"]


async def test_a_retained_command_is_dropped_and_reported(rig: Rig) -> None:
    await rig.take(signed(rig.order()), retain=True)
    assert await rig.told() == ["command.refused"]
    assert (await rig.letters())[0]["data"] == {"counts": {"retained": 1}, "last": "retained"}


async def test_clearing_a_retained_command_is_no_event(rig: Rig) -> None:
    await rig.take(b"", retain=True)
    assert await rig.told() == []


async def test_garbage_is_at_most_one_event_a_minute(rig: Rig) -> None:
    for _ in range(100):
        await rig.take(b"\x00garbage")
    assert await rig.told() == ["command.refused"]
    rig.clock.advance(60_000)
    await rig.take(b"x" * 70_000)
    assert (await rig.letters())[1]["data"]["counts"] == {"malformed": 99, "too_large": 1}


async def test_a_flood_of_forgeries_does_not_fill_the_outbox(rig: Rig) -> None:
    for _ in range(200):
        await rig.take(signed(rig.order(), key=STRANGER))
    told = await rig.told()
    assert told.count("rejected bad_signature") == 64
    assert told.count("command.refused") == 1


@pytest.mark.parametrize("years", [-10, 10])
async def test_a_clock_ten_years_off_takes_commands_by_challenge_alone(
    store: Store, scribe: Scribe, tmp_path: Path, years: int
) -> None:
    rig = Rig(store, scribe, tmp_path, years_off=years)
    rig.intake.chal = "CHAL"
    await rig.intake.recover()
    await rig.take(signed(rig.order()))
    await rig.take(signed(rig.order(chal="OLD")))
    async with rig.working():
        await rig.take(signed(rig.order(chal="CHAL")))
        told = await rig.until(4)
    assert told == ["rejected challenge_needed", "rejected challenge_needed", "accepted ok", "done ok"]


async def test_a_key_that_ended_while_the_clock_was_right_does_not_come_back_with_a_wrong_clock(
    store: Store, scribe: Scribe, tmp_path: Path
) -> None:
    right = Rig(store, scribe, tmp_path)
    right.clock.advance(2 * YEAR_S * 1000)
    await right.intake.keep_time()
    wrong = Rig(store, scribe, tmp_path, years_off=-10)
    wrong.intake.chal = "CHAL"
    await wrong.intake.recover()
    await wrong.take(signed(wrong.order(chal="CHAL")))
    assert await wrong.told() == ["command.refused", "rejected key_expired"]


async def test_certain_time_is_written_down_now_and_then_only(rig: Rig) -> None:
    await rig.intake.keep_time()
    before = await rig.store.run(lambda db: db.total_changes)
    for _ in range(9):
        rig.clock.advance(60_000)
        await rig.intake.keep_time()
    assert await rig.store.run(lambda db: db.total_changes) == before
    rig.clock.advance(60_000)
    await rig.intake.keep_time()
    assert await rig.store.run(lambda db: db.total_changes) == before + 1


async def test_a_command_that_waited_for_room_beyond_its_end_does_not_run(rig: Rig) -> None:
    """The disk was full when it came, and it is judged again when it can be written down."""
    run = rig.store.run

    async def late(work: Any) -> Any:
        rig.clock.advance(61_000)
        rig.store.run = run  # type: ignore[method-assign]
        return await run(work)

    rig.store.run = late  # type: ignore[method-assign]
    async with rig.working():
        await rig.take(signed(rig.order()))
        assert await rig.until(1) == ["rejected expired"]
    assert rig.runs == []


async def test_whoever_waits_for_results_waits_until_they_are_on_disk(rig: Rig) -> None:
    await rig.intake.written(Lane.STREAM)
    rig.gate.clear()
    async with rig.working():
        await rig.take(signed(rig.order()))
        while not rig.runs:
            await asyncio.sleep(0)
        waiting = asyncio.ensure_future(rig.intake.written(Lane.STREAM))
        await asyncio.sleep(0)
        assert not waiting.done()
        rig.gate.set()
        await waiting
        assert (await rig.told())[-1] == "done ok"


async def test_what_was_accepted_before_a_crash_is_interrupted_and_never_runs(
    store: Store, scribe: Scribe, tmp_path: Path
) -> None:
    crashed, fresh = Rig(store, scribe, tmp_path), Rig(store, scribe, tmp_path)
    body = crashed.order()
    await crashed.take(signed(body))
    await fresh.intake.recover()
    async with fresh.working():
        await fresh.take(signed(body))
        told = await fresh.until(3)
    assert told == ["accepted ok", "interrupted interrupted", "interrupted interrupted"]
    assert fresh.runs == []
