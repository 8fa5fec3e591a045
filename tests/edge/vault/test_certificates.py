import time
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from edge.model.errors import Invalid
from edge.vault.authority import Authority, Purpose
from edge.vault.certificates import Certificate, check_authority, check_issued, new_key, request_for
from tests.certificates import make_certificate

PEM = serialization.Encoding.PEM
BOX = "box-abcdef"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "ca")


def issued(authority: Authority, key: str, name: str = BOX) -> str:
    return authority.issue(request_for(key, name), name=name, purpose=Purpose.CLIENT)


def test_a_certificate_of_the_authority_for_our_key_is_good(authority: Authority) -> None:
    key = new_key()
    said = check_issued(issued(authority, key), ca=authority.ca, key=key, name=BOX, now_s=time.time())
    assert said.name == BOX
    assert said.not_before_s < time.time() < said.not_after_s


def code_of(authority: Authority, certificate: str, key: str, **change: object) -> str:
    asked = {"ca": authority.ca, "key": key, "name": BOX, "now_s": time.time(), **change}
    with pytest.raises(Invalid) as caught:
        check_issued(certificate, **asked)  # type: ignore[arg-type]
    return caught.value.code


def test_each_fault_of_a_certificate_has_its_own_code(authority: Authority, tmp_path: Path) -> None:
    key = new_key()
    good = issued(authority, key)
    year_s = 366 * 86_400
    assert code_of(authority, good, new_key()) == "certificate_key"
    assert code_of(authority, good, key, name="box-another") == "certificate_name"
    assert code_of(authority, good, key, ca=Authority(tmp_path / "other").ca) == "certificate_ca"
    assert code_of(authority, good, key, now_s=time.time() + year_s) == "certificate_expired"
    assert code_of(authority, good, key, now_s=time.time() - year_s) == "certificate_not_yet_valid"
    assert code_of(authority, "no PEM", key) == "bad_certificate"
    assert code_of(authority, "x" * 40_000, key) == "bad_certificate"
    assert code_of(authority, good, key, ca="no PEM") == "bad_certificate"


def test_a_chain_of_a_hospitals_authorities_leads_to_its_root(tmp_path: Path) -> None:
    root_key, middle_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root = signed("Root", root_key.public_key(), "Root", root_key, authority=True)
    middle = signed("Middle", middle_key.public_key(), "Root", root_key, authority=True)
    key = new_key()
    private = serialization.load_pem_private_key(key.encode(), None)
    assert isinstance(private, ec.EllipticCurvePrivateKey)
    leaf = signed(BOX, private.public_key(), "Middle", middle_key, authority=False)
    assert check_issued(leaf + middle, ca=root, key=key, name=BOX, now_s=time.time()).name == BOX
    assert check_issued(leaf, ca=root + middle, key=key, name=BOX, now_s=time.time()).name == BOX
    with pytest.raises(Invalid, match="not of the authority"):
        check_issued(leaf, ca=root, key=key, name=BOX, now_s=time.time())


def signed(
    name: str, public: ec.EllipticCurvePublicKey, issuer: str, key: ec.EllipticCurvePrivateKey, *, authority: bool
) -> str:
    return make_certificate(name, public, issuer, key, authority=authority).public_bytes(PEM).decode()


def test_without_a_clock_dates_are_not_judged(authority: Authority) -> None:
    key = new_key()
    assert check_issued(issued(authority, key), ca=authority.ca, key=key, name=BOX, now_s=None).name == BOX


def test_a_box_certificate_is_no_authority(authority: Authority) -> None:
    check_authority(authority.ca)
    with pytest.raises(Invalid, match="no authority"):
        check_authority(issued(authority, new_key()))


@pytest.mark.parametrize("name", ["", "short", "Box-ABCDEF", "box/abcdef", "box+abcdef", "#abcdef", "b" * 41])
def test_a_name_that_means_something_to_a_broker_gets_no_request(name: str) -> None:
    with pytest.raises(Invalid) as caught:
        request_for(new_key(), name)
    assert caught.value.code == "bad_name"


def test_what_is_no_key_is_refused() -> None:
    with pytest.raises(Invalid) as caught:
        request_for("no PEM", BOX)
    assert caught.value.code == "bad_key"
    with pytest.raises(Invalid):
        Certificate.read("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
