"""The desk without a broker: documents in, an applier that remembers, the word in `state` out."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from edge.link.desired import Checked, Flaw, LinkWish, Mark
from edge.link.desired_desk import DesiredDesk
from edge.link.engine import Broker, Message
from edge.link.letters import Scribe
from edge.link.network import Network
from edge.link.outbox import Outbox
from edge.link.route import Route
from edge.link.signatures import Refused, Situation
from edge.link.store import Store
from edge.model.errors import Unavailable
from edge.runtime.status_board import StatusBoard
from tests.fakes import FakeClock
from tests.mqtt_orders import KID, STRANGER, desired, signed, trust

BOX = "box-abcdef"
HOME = Broker("127.0.0.1", 1883)
ELSEWHERE = {"host": "127.0.0.2", "port": 1884}


class Memory:
    """An applier: flawed where `bad` is in the document, grave where `unmask` is and a mask holds."""

    def __init__(self) -> None:
        self.applied: Mark | None = None
        self.link = LinkWish()
        self.bodies: list[Mapping[str, Any]] = []
        self.masked = True
        self.full = False
        self.flaws: tuple[Flaw, ...] = (Flaw("/bad", "range", "out of range"),)
        self.drifts: tuple[str, ...] = ()

    def check(self, body: Mapping[str, Any]) -> Checked:
        broker = body.get("broker")
        return Checked(
            flaws=self.flaws if "bad" in body else (),
            ignored=("/later",) if "later" in body else (),
            grave=(Flaw("/mask", "challenge_needed"),) if "unmask" in body and self.masked else (),
            link=LinkWish((broker["host"], broker["port"]) if broker else None, body.get("spread")),
            wish=body,
        )

    def apply(self, checked: Checked, mark: Mark) -> None:
        if self.full:
            raise Unavailable("no room", code="storage_failed")
        assert isinstance(checked.wish, Mapping)
        self.bodies.append(checked.wish)
        self.applied, self.link = mark, checked.link

    def release(self) -> None:
        self.applied, self.link = None, LinkWish()

    def drift(self) -> tuple[str, ...]:
        return self.drifts


class Rig:
    def __init__(self, store: Store, scribe: Scribe, memory: Memory | None = None, *, home: Broker = HOME) -> None:
        self.memory = memory or Memory()
        self.clock = FakeClock()
        self.route = Route(home)
        self.network = Network(route=self.route, spread_s=5.0, clock=self.clock)
        self.board = StatusBoard()
        self.outbox = Outbox(store)
        self.refused: list[Refused] = []
        self.chal = "CHAL"
        self.desk = DesiredDesk(
            applier=self.memory,
            keyring=Ring(),
            situation=lambda: Situation(BOX, 1_800_000_000_000, clock_synchronised=True, chal=self.chal),
            network=self.network,
            store=store,
            outbox=self.outbox,
            scribe=scribe,
            board=self.board,
            refuse=self._refuse,
        )

    async def _refuse(self, refused: Refused) -> None:
        self.refused.append(refused)

    async def audits(self) -> list[tuple[str, Any]]:
        told = [json.loads(letter.body) for letter in await self.outbox.after(0, limit=99)]
        assert {body["kind"] for body in told} == {"audit"}
        return [(body["code"], body["data"]) for body in told]

    async def take(self, rev: int, **sections: Any) -> str:
        await self.raw(signed(desired(BOX, rev, **sections), pt="eb/1/desired"))
        return self.word

    async def raw(self, payload: bytes) -> None:
        await self.desk.take(Message("t", payload, 1, True, 1))

    @property
    def word(self) -> str:
        """`rev status path:code ...` as the state says it."""
        said = self.desk.report()
        errors = [f"{e['path']}:{e['code']}" for e in said["errors"]]
        return " ".join((str(said["desired_rev"]), said["desired_status"], *errors))

    @property
    def applied_revs(self) -> list[int]:
        return [body["rev"] for body in self.memory.bodies]


class Ring:
    def find(self, kid: str) -> Any:
        return trust() if kid == KID else None


@pytest.fixture
async def rig(store: Store, scribe: Scribe) -> Rig:
    rig = Rig(store, scribe)
    await rig.desk.recover()
    return rig


async def test_before_any_document_state_says_zero_and_applied(rig: Rig) -> None:
    assert rig.word == "0 applied"
    assert rig.board.get("desired")["applied_rev"] == 0


async def test_newer_documents_are_applied_older_ones_are_not(rig: Rig) -> None:
    assert await rig.take(57) == "57 applied"
    assert await rig.take(58) == "58 applied"
    assert await rig.take(57) == "58 applied"
    assert rig.applied_revs == [57, 58]
    assert [refused.code for refused in rig.refused] == ["stale_desired"]
    assert [code for code, _ in await rig.audits()] == ["desired.applied", "desired.applied"]


async def test_the_same_document_again_changes_and_says_nothing(rig: Rig) -> None:
    for _ in range(3):
        assert await rig.take(57) == "57 applied"
    assert rig.applied_revs == [57]
    assert len(await rig.audits()) == 1


async def test_another_document_of_that_revision_is_rejected_and_audited(rig: Rig) -> None:
    await rig.take(57)
    for _ in range(3):  # by turns, as the broker may for ever
        assert await rig.take(57, preset="other") == "57 rejected /rev:rev_conflict"
        assert rig.board.get("desired")["applied_rev"] == 57
        assert await rig.take(57) == "57 applied"
    assert rig.applied_revs == [57]
    assert [refused.code for refused in rig.refused] == ["rev_conflict"] * 3
    assert [code for code, _ in await rig.audits()] == ["desired.applied"]


async def test_a_document_that_was_given_up_stays_so_after_a_conflicting_one(rig: Rig) -> None:
    await rig.take(57, broker=ELSEWHERE, chal="CHAL")
    await rig.desk.revert("link_not_back", "not reached")
    await rig.take(57)
    assert await rig.take(57, broker=ELSEWHERE, chal="CHAL") == "57 rejected /network/broker:link_not_back"


async def test_flaws_without_end_are_bounded_and_known_again_after_a_restart(
    rig: Rig, store: Store, scribe: Scribe
) -> None:
    rig.memory.flaws = tuple(Flaw(f"/{n}", "range", "x" * 999) for n in range(99))
    await rig.take(57, bad=1)
    again = Rig(store, scribe, rig.memory)
    await again.desk.recover()
    await again.take(57, bad=1)
    assert len(again.board.get("desired")["errors"]) == 16
    assert len(await again.audits()) == 1


async def test_a_flawed_document_is_rejected_whole_and_the_last_good_one_holds(rig: Rig) -> None:
    await rig.take(57)
    assert await rig.take(58, bad=1) == "58 rejected /bad:range"
    assert rig.applied_revs == [57]
    assert (await rig.audits())[-1] == (
        "desired.rejected",
        {"rev": 58, "kid": KID, "errors": [{"path": "/bad", "code": "range", "detail": "out of range"}]},
    )
    section = rig.board.get("desired")
    assert (section["rev"], section["status"], section["applied_rev"]) == (58, "rejected", 57)


async def test_a_rejected_revision_cannot_be_rolled_back_behind(rig: Rig) -> None:
    """The controller had moved on: what it said before is over, although 59 was never applied."""
    await rig.take(57)
    await rig.take(59, bad=1)
    assert await rig.take(58) == "59 rejected /bad:range"
    assert await rig.take(60) == "60 applied"


async def test_a_signed_document_that_cannot_be_read_is_answered_a_forged_one_only_counted(rig: Rig) -> None:
    await rig.take(57)
    await rig.raw(signed({**desired(BOX, 58), "v": 2}, pt="eb/1/desired"))
    assert rig.word == "57 rejected /v:unknown_version"
    await rig.take(57)
    await rig.raw(signed({**desired(BOX, 58), "rev": "x"}, pt="eb/1/desired"))
    assert rig.word == "57 rejected /rev:malformed"
    await rig.take(57)
    await rig.raw(signed({**desired(BOX, 58), "id": "i"}, key=STRANGER, pt="eb/1/desired"))
    await rig.raw(signed({**desired("box-other", 58)}, pt="eb/1/desired"))
    await rig.raw(b"garbage")
    await rig.raw(b"")
    assert rig.word == "57 applied"
    codes = [refused.code for refused in rig.refused]
    assert codes == ["malformed", "malformed", "bad_signature", "wrong_box", "malformed"]
    assert all(refused.id is None for refused in rig.refused)


async def test_unmasking_waits_until_the_document_carries_the_challenge(rig: Rig) -> None:
    assert await rig.take(57, unmask=1) == "57 pending /mask:challenge_needed"
    assert await rig.take(58, unmask=1, chal="OLD") == "58 pending /mask:challenge_needed"
    assert rig.applied_revs == []
    assert await rig.take(59, unmask=1, chal="CHAL") == "59 applied"


async def test_what_waits_is_applied_once_nothing_is_unmasked_by_it(rig: Rig) -> None:
    await rig.take(57, unmask=1)
    await rig.desk.reconsider()
    assert rig.word == "57 pending /mask:challenge_needed"
    rig.memory.masked = False
    await rig.desk.reconsider()
    assert rig.word == "57 applied"
    assert [code for code, _ in await rig.audits()] == ["desired.pending", "desired.applied"]


async def test_what_waits_is_forgotten_with_the_connection_and_judged_anew_when_given_again(rig: Rig) -> None:
    await rig.take(57, unmask=1)
    rig.desk.connected()
    rig.memory.masked = False
    await rig.desk.reconsider()
    assert rig.applied_revs == []
    assert await rig.take(57, unmask=1) == "57 applied"


async def test_a_disk_without_room_makes_it_wait_and_it_is_applied_when_there_is(rig: Rig) -> None:
    rig.memory.full = True
    assert await rig.take(57) == "57 pending :storage_failed"
    rig.memory.full = False
    await rig.desk.reconsider()
    assert rig.word == "57 applied"


async def test_another_broker_needs_the_challenge_then_is_tried_before_anything_holds(rig: Rig) -> None:
    assert await rig.take(57, broker=ELSEWHERE) == "57 pending /network/broker:challenge_needed"
    assert await rig.take(58, broker=ELSEWHERE, spread=9.0, chal="CHAL") == "58 pending"
    assert (rig.network.broker.host, rig.network.on_trial, rig.applied_revs) == ("127.0.0.2", True, [])
    await rig.desk.confirm()
    assert rig.word == "58 applied"
    assert (rig.network.broker.host, rig.network.on_trial, rig.network.spread_s) == ("127.0.0.2", False, 9.0)


async def test_a_broker_that_was_not_reached_is_given_up_and_that_document_never_tried_again(rig: Rig) -> None:
    await rig.take(57)
    await rig.take(58, broker=ELSEWHERE, chal="CHAL")
    await rig.desk.revert("link_not_back", "not reached")
    assert rig.word == "58 rejected /network/broker:link_not_back"
    assert (rig.network.broker, rig.applied_revs) == (HOME, [57])
    assert await rig.take(58, broker=ELSEWHERE, chal="CHAL") == "58 rejected /network/broker:link_not_back"
    assert not rig.network.on_trial
    assert await rig.take(59) == "59 applied"


async def test_a_trial_that_cannot_be_kept_goes_back_and_does_not_begin_again_by_itself(rig: Rig) -> None:
    await rig.take(57, broker=ELSEWHERE, chal="CHAL")
    rig.memory.full = True
    await rig.desk.confirm()
    assert rig.word == "57 pending :storage_failed"
    assert rig.network.broker == HOME
    rig.memory.full = False
    await rig.desk.reconsider()
    assert not rig.network.on_trial


async def test_verdicts_survive_a_restart(rig: Rig, store: Store, scribe: Scribe) -> None:
    await rig.take(57)
    await rig.take(58, bad=1)
    again = Rig(store, scribe, rig.memory)
    await again.desk.recover()
    assert again.word == "58 rejected /bad:range"
    assert again.board.get("desired")["kid"] == KID
    assert await again.take(57) == "58 rejected /bad:range"
    assert again.applied_revs == [57]


async def test_a_broker_given_up_stays_given_up_after_a_restart(rig: Rig, store: Store, scribe: Scribe) -> None:
    await rig.take(58, broker=ELSEWHERE, chal="CHAL")
    await rig.desk.revert("link_not_back", "not reached")
    again = Rig(store, scribe, rig.memory)
    await again.desk.recover()
    assert await again.take(58, broker=ELSEWHERE, chal="CHAL") == "58 rejected /network/broker:link_not_back"


async def test_a_crash_during_a_trial_ends_at_the_old_broker(rig: Rig, store: Store, scribe: Scribe) -> None:
    await rig.take(57, broker=ELSEWHERE, chal="CHAL")
    again = Rig(store, scribe, rig.memory)
    again.chal = "NEXT"
    await again.desk.recover()
    assert again.network.broker == HOME
    assert await again.take(57, broker=ELSEWHERE, chal="CHAL") == "57 pending /network/broker:challenge_needed"


async def test_an_applied_broker_holds_from_the_start_on(rig: Rig, store: Store, scribe: Scribe) -> None:
    await rig.take(57, broker=ELSEWHERE, spread=30.0, chal="CHAL")
    await rig.desk.confirm()
    again = Rig(store, scribe, rig.memory)
    await again.desk.recover()
    assert (again.network.broker.host, again.network.spread_s) == ("127.0.0.2", 30.0)
    assert again.word == "57 applied"


async def test_a_pairing_since_then_goes_before_the_broker_of_a_document(
    rig: Rig, store: Store, scribe: Scribe
) -> None:
    await rig.take(57, broker=ELSEWHERE, spread=30.0, chal="CHAL")
    await rig.desk.confirm()
    paired = Broker("10.0.0.5", 8883)
    again = Rig(store, scribe, rig.memory, home=paired)
    await again.desk.recover()
    assert (again.network.broker, again.network.spread_s, again.word) == (paired, 30.0, "57 applied")


async def test_a_pairing_during_a_trial_ends_it_and_nothing_is_applied(rig: Rig) -> None:
    await rig.take(57, broker=ELSEWHERE, chal="CHAL")
    rig.route.move(Broker("10.0.0.5", 8883))
    await rig.desk.confirm()
    assert (rig.word, rig.applied_revs, rig.network.broker.host) == ("57 pending", [], "10.0.0.5")
    assert await rig.take(58) == "58 applied"


async def test_what_the_applier_lost_is_pending_and_taken_again(rig: Rig, store: Store, scribe: Scribe) -> None:
    await rig.take(57)
    again = Rig(store, scribe)
    await again.desk.recover()
    assert again.word == "57 pending :not_applied"
    assert await again.take(57) == "57 applied"
    assert again.applied_revs == [57]


async def test_a_crash_before_the_verdict_is_kept_ends_in_applied(rig: Rig, store: Store, scribe: Scribe) -> None:
    await rig.take(57)
    rig.memory.applied = Mark(58, "digest")
    again = Rig(store, scribe, rig.memory)
    await again.desk.recover()
    assert again.word == "58 applied"


async def test_the_section_names_drift_and_what_was_ignored(rig: Rig) -> None:
    await rig.take(57, later=1)
    rig.memory.drifts = ("/sinks/srt",)
    rig.desk.refresh()
    section = rig.board.get("desired")
    assert (section["drift"], section["ignored"], section["kid"]) == (["/sinks/srt"], ["/later"], KID)


async def test_another_controllers_revisions_count_from_the_start(rig: Rig, store: Store, scribe: Scribe) -> None:
    await rig.take(57, broker={"host": "127.0.0.2", "port": 1}, chal="CHAL")
    await rig.desk.confirm()
    await rig.take(58)
    rig.route.move(Broker("new.example", 8883))
    await rig.desk.forget()
    assert rig.word == "0 applied"
    assert rig.network.broker == Broker("new.example", 8883)
    assert await rig.take(1) == "1 applied"
    again = Rig(store, scribe, rig.memory)
    await again.desk.recover()
    assert again.word == "1 applied"
