"""Ed25519 keys and signatures over the DSSE pre-authentication encoding.

Source: docs/contracts/mqtt.md (signature); DSSE protocol version 1; RFC 8032.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from edge.model.errors import Fault, Invalid
from edge.vault.secret_file import load_or_create

_KEY_BYTES = 32


def pae(payload_type: str, payload: bytes) -> bytes:
    """`"DSSEv1" SP len(pt) SP pt SP len(p) SP p`: the bytes that are signed. Lengths are in bytes."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


class PublicKey:
    """The half that checks signatures; it may be known to anyone."""

    def __init__(self, raw: bytes) -> None:
        """`raw`: 32 bytes. Raises Invalid `bad_key`."""
        if len(raw) != _KEY_BYTES:
            raise Invalid(f"an Ed25519 public key has {_KEY_BYTES} bytes, not {len(raw)}", code="bad_key")
        self.raw = raw
        self._key = Ed25519PublicKey.from_public_bytes(raw)

    @classmethod
    def from_base64(cls, text: str) -> PublicKey:
        """Raises Invalid `bad_key` on anything but 32 bytes in standard base64."""
        try:
            return cls(base64.b64decode(text, validate=True))
        except (binascii.Error, ValueError) as error:
            raise Invalid("the public key is not base64", code="bad_key") from error

    @property
    def base64(self) -> str:
        return base64.b64encode(self.raw).decode()

    def verify(self, payload_type: str, payload: bytes, signature: bytes) -> bool:
        """Whether `signature` is this key's over the PAE of type and payload."""
        try:
            self._key.verify(signature, pae(payload_type, payload))
        except InvalidSignature:
            return False
        return True

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PublicKey) and self.raw == other.raw

    def __hash__(self) -> int:
        return hash(self.raw)

    def __repr__(self) -> str:
        return f"PublicKey({self.base64})"


class Signer(Protocol):
    """A key that signs, wherever its secret half is. `sign` may block; it raises Unavailable, Forbidden."""

    @property
    def kid(self) -> str: ...
    @property
    def public(self) -> PublicKey: ...
    def sign(self, payload_type: str, payload: bytes) -> bytes: ...


class SigningKey:
    """The secret half. Its bytes leave this object only into its own file."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self._public = PublicKey(key.public_key().public_bytes_raw())

    @property
    def public(self) -> PublicKey:
        return self._public

    @classmethod
    def load_or_create(cls, path: Path) -> SigningKey:
        """The key of that PEM file (PKCS 8, mode 0600), made at first use.

        Raises Fault `key_broken` or `key_exposed`, Unavailable `key_file`.
        """
        pem = load_or_create(path, _new_pem)
        try:
            key = serialization.load_pem_private_key(pem, password=None)
        except (ValueError, TypeError) as error:
            raise Fault(f"{path} holds no readable private key", code="key_broken") from error
        if not isinstance(key, Ed25519PrivateKey):
            raise Fault(f"{path} holds a key that is not Ed25519", code="key_broken")
        return cls(key)

    @property
    def kid(self) -> str:
        """A name for the key that follows from the key."""
        return kid_of(self.public)

    def sign(self, payload_type: str, payload: bytes) -> bytes:
        """64 bytes of Ed25519 over the PAE."""
        return self._key.sign(pae(payload_type, payload))

    def __repr__(self) -> str:
        return f"SigningKey({self.kid})"


def kid_of(public: PublicKey) -> str:
    """`ctl-` and 10 hex digits of the public key's hash."""
    return f"ctl-{hashlib.sha256(public.raw).hexdigest()[:10]}"


def _new_pem() -> bytes:
    return Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
