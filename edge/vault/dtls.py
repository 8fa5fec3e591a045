"""The box's certificate for DTLS: made once, so that a receiver can pin its fingerprint.

WebRTC trusts the fingerprint in the SDP and no authority (RFC 8827 6.5): the certificate is self-signed and its
dates mean nothing. ECDSA with P-256, which every implementation must take.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from edge.vault.own_pair import own_pair

_YEARS = 30


@dataclass(frozen=True, slots=True)
class DtlsIdentity:
    """`key` and `certificate` are cryptography's objects, for aiortc; `fingerprint` is `AB:CD:...` of SHA-256."""

    key: Any = field(repr=False)
    certificate: Any = field(repr=False)
    fingerprint: str

    @classmethod
    def load_or_create(cls, path: Path) -> DtlsIdentity:
        """Key and certificate of that PEM file (mode 0600), made at first use (blocking).

        Raises Fault `key_broken` or `key_exposed`, Unavailable `key_file`.
        """
        key, certificate = own_pair(path, _new_pem, code="key_broken")
        return cls(key, certificate, certificate.fingerprint(hashes.SHA256()).hex(":").upper())


def _new_pem() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "scopecast")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC))  # a box may start without the time
        .not_valid_after(now + datetime.timedelta(days=365 * _YEARS))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private + certificate.public_bytes(serialization.Encoding.PEM)
