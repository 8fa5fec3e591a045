import json
import ssl
import stat
from pathlib import Path

import pytest

from edge.model.errors import Fault
from edge.vault.authority import Authority, Purpose
from edge.vault.certificates import new_key, request_for
from edge.vault.enrolment import Enrolment, EnrolmentFile

BOX = "box-abcdef"


@pytest.fixture
def enrolment(tmp_path: Path) -> Enrolment:
    authority, key = Authority(tmp_path / "ca"), new_key()
    certificate = authority.issue(request_for(key, BOX), name=BOX, purpose=Purpose.CLIENT)
    return Enrolment("broker.example", 8883, authority.ca, certificate, key, ("ctl-1", "ctl-2"))


def test_what_was_saved_comes_back(tmp_path: Path, enrolment: Enrolment) -> None:
    file = EnrolmentFile(tmp_path / "state" / "enrolment.json")
    assert file.load() is None
    file.save(enrolment)
    assert file.load() == enrolment
    assert stat.S_IMODE((tmp_path / "state" / "enrolment.json").stat().st_mode) == 0o600
    file.forget()
    file.forget()
    assert file.load() is None


def test_its_context_is_tls_1_3_with_the_name_checked_and_no_other_authority(enrolment: Enrolment) -> None:
    context = enrolment.context()
    assert context.minimum_version is ssl.TLSVersion.TLSv1_3
    assert (context.check_hostname, context.verify_mode) == (True, ssl.CERT_REQUIRED)
    assert len(context.get_ca_certs()) == 1


def test_no_secret_is_in_its_words(enrolment: Enrolment) -> None:
    assert "PRIVATE" not in repr(enrolment)


@pytest.mark.parametrize(
    "change", [{"v": 2}, {"port": "8883"}, {"key": "no PEM"}, {"independent": [3]}, {"more": 1}, {"ca": ""}]
)
def test_a_damaged_file_is_named(tmp_path: Path, enrolment: Enrolment, change: dict[str, object]) -> None:
    path = tmp_path / "enrolment.json"
    EnrolmentFile(path).save(enrolment)
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(Fault, match=r"enrolment\.json is damaged") as caught:
        EnrolmentFile(path).load()
    assert "PRIVATE" not in str(caught.value)


def test_a_file_that_others_can_read_is_refused(tmp_path: Path, enrolment: Enrolment) -> None:
    path = tmp_path / "enrolment.json"
    EnrolmentFile(path).save(enrolment)
    path.chmod(0o644)
    with pytest.raises(Fault) as caught:
        EnrolmentFile(path).load()
    assert caught.value.code == "key_exposed"
