"""X.509 as box and controller need it: a key, a request for a certificate, and what a certificate says.

Keys are ECDSA with P-256: of what TLS 1.3 offers it is the one kind that OpenSSL (Mosquitto), Erlang (EMQX, VerneMQ,
RabbitMQ), Java (HiveMQ), Go (NATS) and hospitals' authorities all take. Ed25519 stays for signatures of commands.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from edge.model.errors import Invalid

_NAME = re.compile(r"[a-z0-9-]{6,40}")
_MOST_PEM = 32 << 10
_MOST_STEPS = 5


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a certificate says. `name` is its common name, dates are UTC seconds since 1970."""

    name: str
    serial: int
    not_before_s: int
    not_after_s: int
    public: bytes = field(repr=False)

    @classmethod
    def read(cls, pem: str) -> Certificate:
        """The first one in that PEM text. Raises Invalid `bad_certificate`."""
        return _said(_parse(pem, "the certificate")[0])


def new_key() -> str:
    """A private key as PEM text (PKCS 8)."""
    return _private_text(ec.generate_private_key(ec.SECP256R1()))


def request_for(key: str, name: str) -> str:
    """A certificate signing request (PKCS 10, PEM) for that common name; `key` as `new_key` gives it."""
    private = _private(key)
    subject = common_name(checked_name(name))
    return _text(x509.CertificateSigningRequestBuilder().subject_name(subject).sign(private, hashes.SHA256()))


def check_issued(certificate: str, *, ca: str, key: str, name: str, now_s: float | None) -> Certificate:
    """That the first certificate is for this key and name, of that authority, and in date (`now_s` None: no clock).

    Raises Invalid: `bad_certificate`, `certificate_key`, `certificate_name`, `certificate_ca`, `certificate_expired`,
    `certificate_not_yet_valid`.
    """
    chain, roots = _parse(certificate, "the certificate"), _parse(ca, "the authority's certificate")
    said = _said(chain[0])
    if said.public != _public_bytes(_private(key).public_key()):
        raise Invalid("the certificate is for another key than the one asked for", code="certificate_key")
    if said.name != name:
        raise Invalid(f"the certificate is for {said.name!r}, not {name!r}", code="certificate_name")
    if not _leads_to(chain, roots):
        raise Invalid("the certificate is not of the authority that came with it", code="certificate_ca")
    if now_s is not None:
        _check_dates(said, now_s)
    return said


def checked_name(name: str) -> str:
    """A box's or a controller's name, fit for a topic and for a broker's access list. Raises Invalid."""
    if not _NAME.fullmatch(name):
        raise Invalid(f"{name!r} is no name for a certificate: 6 to 40 of a-z, 0-9 and -", code="bad_name")
    return name


def check_authority(pem: str) -> None:
    """Raises Invalid `bad_certificate` unless every certificate of that PEM text may sign others."""
    for one in _parse(pem, "the authority's certificate"):
        try:
            authority = one.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
        except (x509.ExtensionNotFound, ValueError):
            authority = False
        if not authority:
            name = _said(one).name
            raise Invalid(f"{name!r} is the certificate of no authority", code="bad_certificate")


def common_name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _check_dates(said: Certificate, now_s: float) -> None:
    if now_s < said.not_before_s:
        raise Invalid(
            "the certificate is not valid yet by the box's clock: compare the clocks of both",
            code="certificate_not_yet_valid",
        )
    if now_s > said.not_after_s:
        raise Invalid("the certificate has expired by the box's clock", code="certificate_expired")


def _leads_to(chain: Sequence[x509.Certificate], roots: Sequence[x509.Certificate]) -> bool:
    """Signature by signature from the first certificate to one of the roots."""
    current, others = chain[0], chain[1:]
    for _ in range(_MOST_STEPS):
        if any(_signed_by(current, root) for root in roots):
            return True
        above = next((one for one in others if one != current and _signed_by(current, one)), None)
        if above is None:
            return False
        current = above
    return False


def _signed_by(one: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        one.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _parse(pem: str, what: str) -> list[x509.Certificate]:
    if len(pem) > _MOST_PEM:
        raise Invalid(f"{what} is over {_MOST_PEM} bytes", code="bad_certificate")
    try:
        return x509.load_pem_x509_certificates(pem.encode())
    except ValueError as error:
        raise Invalid(f"{what} is not PEM that can be read", code="bad_certificate") from error


def _said(one: x509.Certificate) -> Certificate:
    names = one.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return Certificate(
        name=str(names[0].value) if len(names) == 1 else "",
        serial=one.serial_number,
        not_before_s=_utc_s(one.not_valid_before_utc),
        not_after_s=_utc_s(one.not_valid_after_utc),
        public=_public_bytes(one.public_key()),
    )


def _private(key: str) -> ec.EllipticCurvePrivateKey:
    try:
        private = serialization.load_pem_private_key(key.encode(), password=None)
    except (ValueError, TypeError) as error:
        raise Invalid("that is no private key in PEM form", code="bad_key") from error
    if not isinstance(private, ec.EllipticCurvePrivateKey):
        raise Invalid("that private key is not ECDSA", code="bad_key")
    return private


def _private_text(key: ec.EllipticCurvePrivateKey) -> str:
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return key.private_bytes(*form).decode()


def _public_bytes(key: object) -> bytes:
    form = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return key.public_bytes(*form)  # type: ignore[attr-defined,no-any-return]


def _text(thing: x509.Certificate | x509.CertificateSigningRequest) -> str:
    return thing.public_bytes(serialization.Encoding.PEM).decode()


def _utc_s(moment: datetime) -> int:
    return int(moment.timestamp())
