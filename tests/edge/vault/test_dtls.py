from __future__ import annotations

import os
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from edge.model.errors import Fault
from edge.vault.dtls import DtlsIdentity


def test_identity_is_made_once_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    path = tmp_path / "state" / "dtls.pem"
    first, again = DtlsIdentity.load_or_create(path), DtlsIdentity.load_or_create(path)
    assert first.fingerprint == again.fingerprint
    assert path.stat().st_mode & 0o777 == 0o600


def test_two_boxes_have_two_identities(tmp_path: Path) -> None:
    one, other = (DtlsIdentity.load_or_create(tmp_path / name) for name in ("a", "b"))
    assert one.fingerprint != other.fingerprint


def test_key_is_p256_and_the_fingerprint_is_the_certificates(tmp_path: Path) -> None:
    identity = DtlsIdentity.load_or_create(tmp_path / "dtls.pem")
    certificate: x509.Certificate = identity.certificate
    assert isinstance(identity.key.curve, ec.SECP256R1)
    assert bytes.fromhex(identity.fingerprint.replace(":", "")) == certificate.fingerprint(hashes.SHA256())
    certificate.verify_directly_issued_by(certificate)


def test_key_is_not_in_repr(tmp_path: Path) -> None:
    assert "key" not in repr(DtlsIdentity.load_or_create(tmp_path / "dtls.pem"))


def test_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "dtls.pem"
    DtlsIdentity.load_or_create(path)
    path.chmod(0o644)
    with pytest.raises(Fault) as caught:
        DtlsIdentity.load_or_create(path)
    assert caught.value.code == "key_exposed"


@pytest.mark.parametrize("damage", ["empty", "cut", "mixed"])
def test_damaged_file_is_refused_and_left_as_it_is(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "dtls.pem"
    DtlsIdentity.load_or_create(path)
    DtlsIdentity.load_or_create(tmp_path / "other.pem")
    content = path.read_bytes()
    marker = b"-----BEGIN CERTIFICATE"
    bad = {
        "empty": b"",
        "cut": content[: len(content) // 2],
        "mixed": content.partition(marker)[0] + marker + (tmp_path / "other.pem").read_bytes().partition(marker)[2],
    }[damage]
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_TRUNC), "wb") as file:
        file.write(bad)
    with pytest.raises(Fault) as caught:
        DtlsIdentity.load_or_create(path)
    assert caught.value.code == "key_broken"
    assert path.read_bytes() == bad
