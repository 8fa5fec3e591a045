import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from edge.model.errors import EdgeError, Forbidden, Invalid
from edge.ports import Pairing
from edge.vault.keyring import Keyring
from edge.vault.pairing import PairingDesk
from edge.vault.proof import Transcript
from tests.enrolling import BOX, EnrollingBox, Talker
from tests.fakes import FakeClock
from tests.mqtt_orders import KEY, KID, STRANGER, public_text


class Desk:
    def __init__(self, tmp_path: Path) -> None:
        self.clock = FakeClock()
        self.keyring = Keyring(tmp_path / "controllers.json")
        self.told: list[tuple[str, Mapping[str, Any]]] = []
        self.desk: Pairing = PairingDesk(
            keyring=self.keyring,
            box=BOX,
            clock=self.clock,
            broker=("127.0.0.1", 1883),
            audit=lambda code, facts: self.told.append((code, facts)),
        )

    async def refused(self, code: str, kid: str = KID, key: str = public_text(KEY)) -> str:
        with pytest.raises(EdgeError) as caught:
            await self.desk.pair(code, kid, key)
        return caught.value.code


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 10**8:08d}"


async def test_the_right_code_enrols_the_key_for_this_box(desk: Desk) -> None:
    code, holds_s = desk.desk.open_code()
    assert len(code) == 8
    assert code.isdecimal()
    assert holds_s == 600
    answer = await desk.desk.pair(code, KID, public_text(KEY))
    assert answer == {"box": BOX, "broker": {"host": "127.0.0.1", "port": 1883}, "proto": ["eb/1"]}
    key = desk.keyring.find(KID)
    assert key is not None
    assert key.allows("stream.start", BOX)
    assert not key.allows("stream.start", "box-another")


async def test_a_code_may_be_typed_in_groups(desk: Desk) -> None:
    code, _ = desk.desk.open_code()
    await desk.desk.pair(f"{code[:4]} {code[4:6]}-{code[6:]}", KID, public_text(KEY))


async def test_a_code_works_once(desk: Desk) -> None:
    code, _ = desk.desk.open_code()
    await desk.desk.pair(code, KID, public_text(KEY))
    assert await desk.refused(code, "ctl-2", public_text(STRANGER)) == "pairing_closed"


async def test_without_an_open_code_nothing_pairs(desk: Desk) -> None:
    assert await desk.refused("00000000") == "pairing_closed"


async def test_a_code_ends_after_ten_minutes(desk: Desk) -> None:
    code, _ = desk.desk.open_code()
    desk.clock.advance(600_001)
    assert await desk.refused(code) == "code_expired"
    assert await desk.refused(code) == "pairing_closed"


async def test_five_wrong_tries_close_the_desk(desk: Desk) -> None:
    code, _ = desk.desk.open_code()
    codes = [await desk.refused(wrong(code)) for _ in range(5)]
    assert codes == ["code_wrong"] * 4 + ["pairing_closed"]
    assert await desk.refused(code) == "pairing_closed"


async def test_wrong_tries_say_how_many_are_left(desk: Desk) -> None:
    code, _ = desk.desk.open_code()
    with pytest.raises(Forbidden, match="4 tries left"):
        await desk.desk.pair(wrong(code), KID, public_text(KEY))


@pytest.mark.parametrize("given", ["", "é", "\ud800", "1" * 10_000])
async def test_odd_codes_are_just_wrong(desk: Desk, given: str) -> None:
    desk.desk.open_code()
    assert await desk.refused(given) == "code_wrong"


async def test_a_bad_key_is_refused_and_leaves_the_code_open(desk: Desk) -> None:
    code, _ = desk.desk.open_code()
    with pytest.raises(Invalid, match=r"key\.public"):
        await desk.desk.pair(code, KID, "AAAA")
    with pytest.raises(Invalid, match=r"key\.kid"):
        await desk.desk.pair(code, "no spaces allowed", public_text(KEY))
    await desk.desk.pair(code, KID, public_text(KEY))


async def test_a_taken_key_id_is_refused(desk: Desk) -> None:
    code, _ = desk.desk.open_code()
    await desk.desk.pair(code, KID, public_text(KEY))
    code, _ = desk.desk.open_code()
    assert await desk.refused(code, KID, public_text(STRANGER)) == "kid_taken"


async def test_everything_is_audited_and_the_code_never(desk: Desk) -> None:
    code, _ = desk.desk.open_code()
    await desk.refused(wrong(code))
    await desk.desk.pair(code, KID, public_text(KEY))
    assert [name for name, _ in desk.told] == ["pairing.opened", "pairing.refused", "pairing.done"]
    assert code not in repr(desk.told)


@pytest.fixture
def box(tmp_path: Path) -> EnrollingBox:
    return EnrollingBox(tmp_path / "box")


@pytest.fixture
def talker(tmp_path: Path) -> Talker:
    return Talker(tmp_path / "controller")


async def test_a_scanned_secret_enrols_without_being_sent(box: EnrollingBox, talker: Talker) -> None:
    box.desk.open_code()
    address, _, rest = box.desk.qr_text().partition(f"/{BOX}#")
    assert address == "scopecast+http://10.0.0.5:8080"
    talker.transcript = Transcript(base64.urlsafe_b64decode(f"{rest}=="))
    introduction = await talker.begin(box, box=BOX)
    met = await talker.finish(box, introduction)
    assert met == {"v": 1, "box": BOX, "broker": {"host": "broker.example", "port": 8883}, "tls": True}
    assert rest not in repr(box.told)


async def test_the_typed_code_enrols_too_and_works_once(box: EnrollingBox, talker: Talker) -> None:
    digits, _ = box.desk.open_code()
    await talker.meet(box, digits)
    introduction = await talker.begin(box)
    await talker.finish(box, introduction)
    with pytest.raises(EdgeError) as caught:
        await talker.meet(box, digits)
    assert caught.value.code == "pairing_closed"


async def test_a_finish_heard_twice_is_refused(box: EnrollingBox, talker: Talker) -> None:
    digits, _ = box.desk.open_code()
    await talker.meet(box, digits)
    introduction = await talker.begin(box)
    with pytest.raises(EdgeError, match="not among them"):
        await talker.finish(box, introduction, keys=[talker.entry(kid="ctl-another")])
    with pytest.raises(EdgeError) as caught:
        await talker.finish(box, introduction)
    assert caught.value.code == "pairing_order"


async def test_a_code_for_another_box_is_refused(box: EnrollingBox, talker: Talker) -> None:
    digits, _ = box.desk.open_code()
    await talker.meet(box, digits)
    with pytest.raises(EdgeError) as caught:
        await talker.begin(box, box="box-another")
    assert caught.value.code == "wrong_box"


async def test_a_word_changed_on_its_way_enrols_nobody(box: EnrollingBox, talker: Talker) -> None:
    digits, _ = box.desk.open_code()
    await talker.meet(box, digits)
    await talker.begin(box)
    with pytest.raises(EdgeError) as caught:
        await box.desk.finish(json.dumps({"v": 1, "keys": [talker.entry()]}), "AAAA")
    assert caught.value.code == "proof_wrong"
    assert box.kids == set()


@pytest.mark.parametrize(
    "change", [{"keys": []}, {"keys": "x"}, {"keys": [{}]}, {"v": 2}, {"certificate": 5}, {"ca": 5}]
)
async def test_a_malformed_offer_enrols_nobody_and_the_code_holds_on(
    box: EnrollingBox, talker: Talker, change: dict[str, object]
) -> None:
    digits, _ = box.desk.open_code()
    await talker.meet(box, digits)
    with pytest.raises(Invalid):
        await talker.finish(box, await talker.begin(box), **change)
    assert (box.kids, box.way.at) == (set(), "home")
    await talker.meet(box, digits)
    await talker.finish(box, await talker.begin(box))


async def test_a_box_that_leaves_wants_its_name_as_confirmation(box: EnrollingBox, talker: Talker) -> None:
    await talker.enrol(box)
    with pytest.raises(Invalid) as caught:
        await box.desk.forget("box-another")
    assert (caught.value.code, box.way.at) == ("not_confirmed", "broker.example:8883")
    await box.desk.forget(BOX)
    assert (box.way.at, box.kids) == ("home", set())


async def test_without_an_open_code_there_is_nothing_to_scan(box: EnrollingBox) -> None:
    with pytest.raises(Forbidden) as caught:
        box.desk.qr_text()
    assert caught.value.code == "pairing_closed"
