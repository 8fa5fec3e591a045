"""Everything that must not run: each with the contract's code, and whichever check comes first in its order wins."""

import asyncio
import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.link.acceptance import Accepted, Refused, Situation, examine
from edge.link.store import Store
from tests.edge.link.test_intake import BOX, NOW_S, Rig
from tests.hostile import ENDED, NARROW, envelopes
from tests.mqtt_orders import KID, STRANGER, order, sign, signed, trust

SITUATION = Situation(box=BOX, now_ms=NOW_S * 1000, clock_synchronised=True, chal="CHAL")
HOSTILE = envelopes(BOX, NOW_S)


RING = {
    KID: trust(),
    NARROW: trust(kid=NARROW, ops=("record.*",)),
    ENDED: trust(kid=ENDED, not_after_s=NOW_S - 1),
    "ctl-both": trust(kid="ctl-both", ops=("record.*",), not_after_s=NOW_S - 1),
}


class Ring:
    def find(self, kid: str) -> Any:
        return RING.get(kid)


def code_of(raw: bytes) -> str:
    verdict = examine(raw, keyring=Ring(), situation=SITUATION)
    return verdict.code if isinstance(verdict, Refused) else "accepted"


@pytest.mark.parametrize("name", HOSTILE)
def test_each_is_refused_with_its_code(name: str) -> None:
    raw, code = HOSTILE[name]
    assert code_of(raw) == code


FLAWS = ("too_large", "malformed", "unknown_key", "key_expired", "forbidden", "bad_signature")
LATER_FLAWS = ("wrong_box", "unknown_version", "expired", "challenge_needed")


@given(st.sets(st.sampled_from([*FLAWS, *LATER_FLAWS])))
def test_of_any_set_of_flaws_the_first_in_the_contracts_order_is_named(flaws: set[str]) -> None:
    changes: dict[str, Any] = {
        **({"box": "box-another1"} if "wrong_box" in flaws else {}),
        **({"v": 2} if "unknown_version" in flaws else {}),
        **({"iat": NOW_S - 100, "exp": NOW_S - 40} if "expired" in flaws else {}),
        **({"op": "system.reset"} if "challenge_needed" in flaws else {}),
    }
    body = {**order(BOX, "stream.start", iat=NOW_S, exp=NOW_S + 60), **changes}
    ended, narrow = "key_expired" in flaws, "forbidden" in flaws
    kid = "ctl-both" if ended and narrow else ENDED if ended else NARROW if narrow else KID
    kid = "ctl-nobody" if "unknown_key" in flaws else kid
    raw = signed(body, kid=kid, **({"key": STRANGER} if "bad_signature" in flaws else {}))
    raw = raw[:-1] if "malformed" in flaws else raw
    raw = raw + b" " * (70_000 - len(raw)) if "too_large" in flaws else raw
    expected = next((flaw for flaw in (*FLAWS, *LATER_FLAWS) if flaw in flaws), "accepted")
    assert code_of(raw) == expected


@given(st.data())
def test_a_signature_never_vouches_for_other_bytes(data: st.DataObject) -> None:
    """Payload, type and signature of any two envelopes mixed: only what was signed together is obeyed."""
    first, second = (
        sign(json.dumps(order(BOX, "stream.start", {"n": n}, iat=NOW_S, exp=NOW_S + 60)).encode()) for n in (1, 2)
    )
    desired = sign(base64.urlsafe_b64decode(first["p"] + "=="), pt="eb/1/desired")
    forged = sign(base64.urlsafe_b64decode(first["p"] + "=="), key=STRANGER)
    parts = (first, second, desired, forged)
    payload = data.draw(st.sampled_from(parts))
    signatures = data.draw(st.lists(st.sampled_from(parts), min_size=1, max_size=4))
    raw = json.dumps({"pt": "eb/1/cmd", "p": payload["p"], "sigs": [s["sigs"][0] for s in signatures]}).encode()
    owner = second if payload is second else first
    assert (code_of(raw) == "accepted") == (owner in signatures)


@pytest.mark.parametrize("alphabet", [b"-_", b"+/"])
def test_either_base64_and_any_padding_is_the_same_command(alphabet: bytes) -> None:
    envelope = sign(json.dumps(order(BOX, "stream.start", {"x": "???>>>~~~"}, iat=NOW_S, exp=NOW_S + 60)).encode())
    payload = base64.urlsafe_b64decode(envelope["p"] + "==")
    raw = json.dumps({**envelope, "p": base64.b64encode(payload, altchars=alphabet).decode()}).encode()
    assert isinstance(examine(raw, keyring=Ring(), situation=SITUATION), Accepted)


async def test_all_of_it_at_once_is_one_security_event_and_nothing_runs(rig: Rig) -> None:
    async with rig.working():
        for raw, _ in HOSTILE.values():
            await rig.take(raw)
        await rig.take(signed(rig.order(n=7)))
        async with asyncio.timeout(10):
            while rig.runs != [7]:
                await asyncio.sleep(0.001)
    told = await rig.told()
    assert told.count("command.refused") == 1
    assert sum(word.startswith("accepted") for word in told) == 1


async def test_a_command_replayed_without_end_does_not_fill_the_outbox(rig: Rig) -> None:
    body = rig.order(n=1)
    expired = signed(rig.order(n=2, iat=NOW_S - 100, exp=NOW_S - 40))
    async with rig.working():
        await rig.take(signed(body))
        await rig.until(2)
        for _ in range(400):
            await rig.take(signed(body))
            await rig.take(expired)
        told = await rig.told()
        assert len(told) == 2 + 512
        rig.clock.advance(1000)
        for _ in range(20):
            await rig.take(signed(body))
        assert len(await rig.told()) == 2 + 512 + 10
    assert rig.runs == [1]


async def test_a_connection_that_ends_while_the_journal_is_written_does_not_lose_the_command(rig: Rig) -> None:
    """The journal has it and nothing will bring it again in this process: it must run."""
    reading = asyncio.ensure_future(rig.take(signed(rig.order(n=3))))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    reading.cancel()
    async with rig.working():
        assert await rig.until(2) == ["accepted ok", "done ok"]
    assert rig.runs == [3]
    assert reading.cancelled()


@pytest.fixture
def rig(store: Store, scribe: Any, tmp_path: Any) -> Rig:
    rig = Rig(store, scribe, tmp_path)
    rig.keyring.add(trust(kid=NARROW, ops=("record.*",)))
    rig.keyring.add(trust(kid=ENDED, not_after_s=NOW_S - 1))
    return rig
