"""Encryption at rest: AES-256-GCM with the purpose as associated data.

A sealed value is `SC1`, a 12-byte nonce, then ciphertext and tag (NIST SP 800-38D).
"""

from __future__ import annotations

import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from edge.model.errors import Fault, Invalid
from edge.vault.secret_file import load_or_create

_MAGIC = b"SC1"
_NONCE_BYTES = 12
_KEY_BYTES = 32
_HEAD_BYTES = len(_MAGIC) + _NONCE_BYTES


class Sealer:
    """Seals bytes under the key of one file (32 random bytes, mode 0600, made at first use).

    The file is touched at the first `seal` or `open`; both then block on the disk once.
    Raises Fault `key_broken` or `key_exposed`, Unavailable `key_file`.
    """

    def __init__(self, key_path: Path) -> None:
        self._key_path = key_path
        self._cipher: AESGCM | None = None

    def seal(self, purpose: str, data: bytes) -> bytes:
        """Only `open` with the same purpose and key gives `data` back."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return _MAGIC + nonce + self._aes().encrypt(nonce, data, purpose.encode())

    def open(self, purpose: str, data: bytes) -> bytes:
        """Raises Invalid `seal_broken`: damaged, of another purpose, or sealed under another key."""
        if len(data) < _HEAD_BYTES or not data.startswith(_MAGIC):
            raise Invalid(f"what should be sealed for {purpose} is not sealed", code="seal_broken")
        try:
            return self._aes().decrypt(data[len(_MAGIC) : _HEAD_BYTES], data[_HEAD_BYTES:], purpose.encode())
        except InvalidTag as error:
            raise Invalid(f"what was sealed for {purpose} is damaged or not ours", code="seal_broken") from error

    def __repr__(self) -> str:
        return f"Sealer({str(self._key_path)!r})"

    def _aes(self) -> AESGCM:
        if self._cipher is None:
            key = load_or_create(self._key_path, lambda: secrets.token_bytes(_KEY_BYTES))
            if len(key) != _KEY_BYTES:
                raise Fault(f"{self._key_path} must hold {_KEY_BYTES} bytes, not {len(key)}", code="key_broken")
            self._cipher = AESGCM(key)
        return self._cipher
