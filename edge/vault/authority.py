"""A controller's own certificate authority: boxes, controllers and brokers get their certificates from it.

A folder holds `ca.pem` (key and certificate, mode 0600), `ca.crt` (the certificate, for everybody), `issued.json`
(serial numbers, names and dates) and `crl.pem` (what was revoked, RFC 5280). Blocking.
"""

from __future__ import annotations

import datetime
import ipaddress
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from edge.model.errors import Fault, Invalid, Unavailable
from edge.vault.certificates import checked_name, common_name
from edge.vault.own_pair import own_pair
from edge.vault.secret_file import folder_lock, replace_whole

_CA_DAYS = 20 * 365
_EARLY = datetime.timedelta(hours=1)  # a box's clock may be a little behind
_CRL_DAYS = 365


class Purpose(StrEnum):
    """What a certificate is for."""

    CLIENT = "client"
    SERVER = "server"


_DAYS = {Purpose.CLIENT: 365, Purpose.SERVER: 825}
_USES = {Purpose.CLIENT: ExtendedKeyUsageOID.CLIENT_AUTH, Purpose.SERVER: ExtendedKeyUsageOID.SERVER_AUTH}


@dataclass(frozen=True, slots=True)
class Issued:
    """One certificate that the authority gave out. Times are UTC seconds; `revoked_s` 0 while it is good."""

    serial: str
    name: str
    purpose: str
    not_after_s: int
    revoked_s: int = 0


class Authority:
    """Made at first use. Raises Fault `ca_broken` or `key_exposed`, Unavailable `key_file`, Invalid `bad_request`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def ca(self) -> str:
        """The authority's certificate as PEM text."""
        _, certificate = self._own()
        return _pem(certificate)

    @property
    def crl_file(self) -> Path:
        return self._folder / "crl.pem"

    def issue(self, request: str, *, name: str, purpose: Purpose, hosts: Sequence[str] = (), days: int = 0) -> str:
        """A certificate (PEM) of that request's key for `name`, whatever name the request has.

        `hosts` are a server's names and addresses.
        """
        key, ca = self._own()
        subject = common_name(checked_name(name) if purpose is Purpose.CLIENT else name)
        public = _key_of(request)
        certificate = (
            _builder(subject, ca.subject, public, days=days or _DAYS[purpose])
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage("digital_signature"), critical=True)
            .add_extension(x509.ExtendedKeyUsage([_USES[purpose]]), critical=False)
            .add_extension(x509.SubjectAlternativeName(_alternatives(hosts or [name])), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(_issuer_key(ca), critical=False)
            .sign(key, hashes.SHA256())
        )
        self._note(certificate, name, purpose)
        return _pem(certificate)

    def issued(self) -> tuple[Issued, ...]:
        path = self._folder / "issued.json"
        try:
            return tuple(Issued(**entry) for entry in json.loads(path.read_bytes())["issued"])
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise Unavailable(f"cannot read {path}: {error.strerror}", code="key_file") from error
        except (ValueError, KeyError, TypeError) as error:
            raise Fault(f"{path} is damaged: {error}", code="ca_broken") from error

    def revoke(self, name: str, *, now_s: int) -> tuple[Issued, ...]:
        """Every good certificate of that name is none from now on, in a new `crl.pem`; gives those that were."""
        with folder_lock(self._folder, code="key_file"):
            issued = self.issued()
            good = [one for one in issued if one.name == name and not one.revoked_s and one.not_after_s > now_s]
            self._write_issued([replace(one, revoked_s=now_s) if one in good else one for one in issued])
            self.write_crl(now_s=now_s)
        return tuple(good)

    def write_crl(self, *, now_s: int) -> Path:
        """The list of what is revoked, signed anew; OpenSSL refuses everybody once it is past its year."""
        key, ca = self._own()
        now = datetime.datetime.fromtimestamp(now_s, datetime.UTC)
        builder = x509.CertificateRevocationListBuilder().issuer_name(ca.subject)
        builder = builder.last_update(now - _EARLY).next_update(now + datetime.timedelta(days=_CRL_DAYS))
        builder = builder.add_extension(_issuer_key(ca), critical=False)
        builder = builder.add_extension(x509.CRLNumber(now_s), critical=False)
        for one in self.issued():
            if one.revoked_s:
                builder = builder.add_revoked_certificate(_revoked(one))
        crl = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
        self._write(self.crl_file, crl)
        return self.crl_file

    def _own(self) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
        return own_pair(self._folder / "ca.pem", _new_authority, code="ca_broken")

    def _note(self, certificate: x509.Certificate, name: str, purpose: Purpose) -> None:
        not_after_s = int(certificate.not_valid_after_utc.timestamp())
        with folder_lock(self._folder, code="key_file"):
            one = Issued(f"{certificate.serial_number:x}", name, purpose, not_after_s)
            self._write_issued([*self.issued(), one])

    def _write_issued(self, issued: Sequence[Issued]) -> None:
        content: Mapping[str, Any] = {"v": 1, "issued": [asdict(one) for one in issued]}
        self._write(self._folder / "issued.json", json.dumps(content, indent=1).encode() + b"\n")

    def _write(self, path: Path, content: bytes) -> None:
        try:
            replace_whole(path, content)
        except OSError as error:
            raise Unavailable(f"cannot write {path}: {error.strerror}", code="key_file") from error


def _new_authority() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Scopecast controller"),
            x509.NameAttribute(NameOID.COMMON_NAME, f"Scopecast CA {os.urandom(4).hex()}"),
        ]
    )
    certificate = (
        _builder(name, name, key.public_key(), days=_CA_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage("key_cert_sign", "crl_sign"), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return key.private_bytes(*form) + _pem(certificate).encode()


def _builder(subject: x509.Name, issuer: x509.Name, public: Any, *, days: int) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(public)
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now - _EARLY)
    return builder.not_valid_after(now + datetime.timedelta(days=days))


def _usage(*said: str) -> x509.KeyUsage:
    names = (
        *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement"),
        *("key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
    )
    return x509.KeyUsage(**{name: name in said for name in names})


def _issuer_key(ca: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    own = ca.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own)


def _alternatives(hosts: Sequence[str]) -> list[x509.GeneralName]:
    return [_alternative(host) for host in hosts]


def _alternative(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        pass
    try:
        return x509.DNSName(host)
    except ValueError as error:
        raise Invalid(f"{host!r} is neither a host name nor an address", code="bad_name") from error


def _key_of(request: str) -> Any:
    try:
        parsed = x509.load_pem_x509_csr(request.encode())
        good = parsed.is_signature_valid
    except (ValueError, TypeError) as error:
        raise Invalid("that is no certificate request in PEM form", code="bad_request") from error
    if not good:
        raise Invalid("the certificate request is not signed by its own key", code="bad_request")
    public = parsed.public_key()
    if not isinstance(public, ec.EllipticCurvePublicKey):
        raise Invalid("the certificate request is not for an ECDSA key", code="bad_request")
    return public


def _revoked(one: Issued) -> x509.RevokedCertificate:
    at = datetime.datetime.fromtimestamp(one.revoked_s, datetime.UTC)
    return x509.RevokedCertificateBuilder().serial_number(int(one.serial, 16)).revocation_date(at).build()


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()
