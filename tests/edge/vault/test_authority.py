import stat
import time
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from edge.model.errors import Fault, Invalid
from edge.vault.authority import Authority, Purpose
from edge.vault.certificates import new_key, request_for

BOX = "box-abcdef"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "ca")


def issue(authority: Authority, name: str = BOX) -> x509.Certificate:
    pem = authority.issue(request_for(new_key(), name), name=name, purpose=Purpose.CLIENT)
    return x509.load_pem_x509_certificate(pem.encode())


def test_the_authority_stays_the_same_and_its_key_is_the_owners_only(authority: Authority, tmp_path: Path) -> None:
    assert authority.ca == Authority(tmp_path / "ca").ca
    assert "PRIVATE" not in authority.ca
    assert stat.S_IMODE((tmp_path / "ca" / "ca.pem").stat().st_mode) == 0o600


def test_the_name_is_the_one_asked_for_not_the_requests(authority: Authority) -> None:
    request = request_for(new_key(), "box-liar00")
    pem = authority.issue(request, name=BOX, purpose=Purpose.CLIENT)
    assert x509.load_pem_x509_certificate(pem.encode()).subject.rfc4514_string() == f"CN={BOX}"


def test_a_client_certificate_serves_no_server(authority: Authority) -> None:
    uses = issue(authority).extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(uses) == [ExtendedKeyUsageOID.CLIENT_AUTH]


def test_a_servers_names_and_addresses_are_in_its_certificate(authority: Authority) -> None:
    hosts = ["broker.example", "10.0.0.7"]
    pem = authority.issue(request_for(new_key(), "broker"), name=hosts[0], purpose=Purpose.SERVER, hosts=hosts)
    names = x509.load_pem_x509_certificate(pem.encode()).extensions.get_extension_for_class(x509.SubjectAlternativeName)
    assert [str(name.value) for name in names.value] == hosts


def test_a_revoked_name_is_on_the_list_and_others_are_not(authority: Authority) -> None:
    first, second, other = issue(authority), issue(authority), issue(authority, "box-other1")
    now_s = int(time.time())
    assert len(authority.revoke(BOX, now_s=now_s)) == 2
    crl = x509.load_pem_x509_crl(authority.crl_file.read_bytes())
    listed = {entry.serial_number for entry in crl}
    assert listed == {first.serial_number, second.serial_number}
    assert other.serial_number not in listed
    assert authority.revoke(BOX, now_s=now_s) == ()
    assert crl.is_signature_valid(x509.load_pem_x509_certificate(authority.ca.encode()).public_key())  # type: ignore[arg-type]


@pytest.mark.parametrize("request_text", ["", "no PEM", "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n"])
def test_what_is_no_request_is_refused(authority: Authority, request_text: str) -> None:
    with pytest.raises(Invalid) as caught:
        authority.issue(request_text, name=BOX, purpose=Purpose.CLIENT)
    assert caught.value.code == "bad_request"


def test_a_host_that_is_none_is_refused(authority: Authority) -> None:
    with pytest.raises(Invalid, match="neither a host name nor an address"):
        authority.issue(request_for(new_key(), "broker"), name="bröker", purpose=Purpose.SERVER, hosts=["bröker"])


def test_damaged_files_are_named(authority: Authority, tmp_path: Path) -> None:
    issue(authority)
    (tmp_path / "ca" / "issued.json").write_text("{")
    with pytest.raises(Fault, match=r"issued\.json is damaged"):
        authority.issued()
    (tmp_path / "ca" / "ca.pem").write_text("nothing")
    with pytest.raises(Fault, match=r"ca\.pem holds no readable key"):
        _ = authority.ca
