from pathlib import Path

import pytest

from edge.model.errors import EdgeError, Forbidden, Unavailable
from edge.vault.authority import Purpose
from edge.vault.keyring import Keyring, parse_keys
from tests.enrolling import BOX, EnrollingBox, Talker


@pytest.fixture
def box(tmp_path: Path) -> EnrollingBox:
    return EnrollingBox(tmp_path / "box")


@pytest.fixture
def first(tmp_path: Path) -> Talker:
    return Talker(tmp_path / "first", host="one.example")


@pytest.fixture
def second(tmp_path: Path) -> Talker:
    return Talker(tmp_path / "second", host="two.example")


async def test_an_enrolment_is_kept_and_survives_a_restart(box: EnrollingBox, first: Talker, tmp_path: Path) -> None:
    await first.enrol(box)
    assert box.way.at == "one.example:8883"
    kept = box.file.load()
    assert kept is not None
    assert (kept.host, kept.independent) == ("one.example", ())
    assert Keyring(tmp_path / "box" / "controllers.json").find(first.key.kid) is not None


async def test_another_controller_replaces_the_first_with_its_keys(
    box: EnrollingBox, first: Talker, second: Talker
) -> None:
    await first.enrol(box)
    await second.enrol(box)
    assert box.way.at == "two.example:8883"
    assert box.kids == {second.key.kid}
    assert box.way.heard == [True, True]


async def test_the_same_controller_again_is_no_other_one(box: EnrollingBox, first: Talker) -> None:
    await first.enrol(box)
    await first.enrol(box)
    assert box.kids == {first.key.kid}
    assert box.way.heard == [True, False]


async def test_a_key_that_took_anothers_place_goes_with_its_controller(box: EnrollingBox, first: Talker) -> None:
    """As `keys.set` does it."""
    await first.enrol(box)
    box.keyring.replace(parse_keys([first.entry(kid="ctl-rotated")]))
    await box.membership.leave()
    assert box.kids == set()


async def test_the_name_of_a_key_that_stays_is_not_taken(box: EnrollingBox, first: Talker, second: Talker) -> None:
    code, _ = box.desk.open_code()
    await box.desk.pair(code, first.key.kid, second.key.public.base64)
    with pytest.raises(EdgeError) as caught:
        await first.enrol(box)
    assert (caught.value.code, box.way.tried) == ("kid_taken", [])


async def test_a_key_enrolled_by_itself_stays_when_a_controller_comes(
    box: EnrollingBox, first: Talker, second: Talker
) -> None:
    code, _ = box.desk.open_code()
    await box.desk.pair(code, second.key.kid, second.key.public.base64)
    await first.enrol(box)
    assert box.kids == {first.key.kid, second.key.kid}


async def test_a_broker_that_does_not_take_the_box_changes_nothing(
    box: EnrollingBox, first: Talker, second: Talker
) -> None:
    await first.enrol(box)
    kept = box.file.load()
    box.way.refuses = Forbidden("the broker's certificate is for another name", code="broker_certificate_name")
    with pytest.raises(EdgeError) as caught:
        await second.enrol(box)
    assert caught.value.code == "broker_certificate_name"
    assert (box.file.load(), box.membership.current, box.kids) == (kept, kept, {first.key.kid})
    assert box.way.at == "one.example:8883"


async def test_a_disk_that_refuses_brings_the_box_back_to_where_it_was(
    box: EnrollingBox, first: Talker, second: Talker, monkeypatch: pytest.MonkeyPatch
) -> None:
    await first.enrol(box)

    def refuse(enrolment: object) -> None:
        raise Unavailable("the disk is full", code="key_file")

    monkeypatch.setattr(box.file, "save", refuse)
    with pytest.raises(EdgeError, match="the disk is full"):
        await second.enrol(box)
    assert (box.way.at, box.kids) == ("one.example:8883", {first.key.kid})


async def test_a_certificate_of_another_box_or_key_is_never_tried(box: EnrollingBox, first: Talker) -> None:
    digits, _ = box.desk.open_code()
    await first.meet(box, digits)
    introduction = await first.begin(box)
    certificate = first.authority.issue(introduction["request"], name="box-another", purpose=Purpose.CLIENT)
    with pytest.raises(EdgeError) as caught:
        await first.finish(box, introduction, certificate=certificate)
    assert caught.value.code == "certificate_name"
    assert box.way.tried == []


@pytest.mark.parametrize(
    "broker", [{}, {"host": "", "port": 8883}, {"host": "a", "port": 0}, {"host": "a", "port": "1"}]
)
async def test_a_broker_that_is_none_is_never_tried(
    box: EnrollingBox, first: Talker, broker: dict[str, object]
) -> None:
    digits, _ = box.desk.open_code()
    await first.meet(box, digits)
    with pytest.raises(EdgeError):
        await first.finish(box, await first.begin(box), broker=broker)
    assert box.way.tried == []


async def test_a_configured_broker_wins_and_only_the_key_is_enrolled(tmp_path: Path, first: Talker) -> None:
    box = EnrollingBox(tmp_path / "fixed", fixed=True)
    met = await first.enrol(box)
    assert met["broker"] == {"host": "127.0.0.1", "port": 1883}
    assert (box.way.at, box.file.load(), box.kids) == ("home", None, {first.key.kid})


async def test_a_renewed_certificate_takes_the_place_of_the_old_one(box: EnrollingBox, first: Talker) -> None:
    await first.enrol(box)
    before = box.membership.current
    request = box.membership.renewal()
    certificate = first.authority.issue(request, name=BOX, purpose=Purpose.CLIENT)
    until_s = await box.membership.renew(certificate)
    after = box.file.load()
    assert before is not None
    assert after is not None
    assert after == box.membership.current
    assert (after.certificate, after.not_after_s) == (certificate, until_s)
    assert after.key != before.key
    assert await code_of_renewal(box, certificate) == "no_request"


async def code_of_renewal(box: EnrollingBox, certificate: str) -> str:
    with pytest.raises(EdgeError) as caught:
        await box.membership.renew(certificate)
    return caught.value.code


async def test_a_renewal_that_the_broker_refuses_leaves_the_old_certificate(box: EnrollingBox, first: Talker) -> None:
    await first.enrol(box)
    before = box.membership.current
    certificate = first.authority.issue(box.membership.renewal(), name=BOX, purpose=Purpose.CLIENT)
    box.way.refuses = Forbidden("revoked", code="own_certificate_revoked")
    assert await code_of_renewal(box, certificate) == "own_certificate_revoked"
    assert box.file.load() == box.membership.current == before


async def test_a_box_that_is_enrolled_nowhere_has_nothing_to_renew(box: EnrollingBox) -> None:
    with pytest.raises(EdgeError) as caught:
        box.membership.renewal()
    assert caught.value.code == "not_enrolled"
    assert await code_of_renewal(box, "x") == "not_enrolled"


async def test_leaving_forgets_broker_certificate_and_keys(box: EnrollingBox, first: Talker) -> None:
    await first.enrol(box)
    await box.membership.leave()
    await box.membership.leave()
    assert (box.way.at, box.file.load(), box.kids) == ("home", None, set())
    assert [code for code, _ in box.told].count("enrolment.left") == 1
