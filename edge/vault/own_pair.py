"""A private key and its certificate in one PEM file of our own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from edge.model.errors import Fault
from edge.vault.secret_file import load_or_create


def own_pair(
    path: Path, make: Callable[[], bytes], *, code: str
) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    """What that file holds (mode 0600, blocking); `make` gives the PEM when there is none yet.

    Raises Fault of that code for a damaged file, `key_exposed` when others may read it; Unavailable `key_file`.
    """
    pem = load_or_create(path, make)
    try:
        key = serialization.load_pem_private_key(pem, password=None)
        certificate = x509.load_pem_x509_certificate(pem)
    except (ValueError, TypeError) as error:
        raise Fault(f"{path} holds no readable key and certificate", code=code) from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or certificate.public_key() != key.public_key():
        raise Fault(f"{path} holds a key that is not its certificate's", code=code)
    return key, certificate
