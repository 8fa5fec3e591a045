"""Whose word is it? The checks on keys that commands and desired documents have in common. Pure."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import Protocol

from edge.link.envelope import Envelope, Signature


class TrustedKey(Protocol):
    """What we need of a controller's key (edge.vault has them)."""

    @property
    def kid(self) -> str: ...
    def allows(self, op: str, box: str) -> bool: ...
    def ended(self, utc_s: float) -> bool: ...
    def verify(self, payload_type: str, payload: bytes, signature: bytes) -> bool: ...


class Keyring(Protocol):
    def find(self, kid: str) -> TrustedKey | None: ...


@dataclass(frozen=True, slots=True)
class Situation:
    """What the checks compare with. `chal` is the challenge of the current connection.

    `floor_ms`: the latest UTC that a synchronised clock has ever shown here.
    """

    box: str
    now_ms: int
    clock_synchronised: bool
    chal: str
    floor_ms: int = 0

    @property
    def dated_ms(self) -> int:
        """By what end dates are judged: a clock that is years ahead must not end all keys, nor one that is behind
        bring ended ones back."""
        return self.now_ms if self.clock_synchronised else self.floor_ms

    def is_present(self, chal: str | None) -> bool:
        """Whether that is the current challenge."""
        return chal is not None and hmac.compare_digest(chal.encode(errors="replace"), self.chal.encode())


@dataclass(frozen=True, slots=True)
class Refused:
    """`id` where it could be read; `signed` when the signature was good."""

    code: str
    detail: str
    id: str | None = None
    op: str = ""
    signed: bool = False


def signer(
    envelope: Envelope, *, op: str, payload_type: str, keyring: Keyring, situation: Situation
) -> TrustedKey | Refused:
    """The first signature's key that passes every check; else the refusal of the first known key."""
    refusal: Refused | None = None
    for signature in envelope.signatures:
        key = keyring.find(signature.kid)
        if key is None:
            continue
        wrong = _wrong_with(key, signature, envelope, op, payload_type, situation)
        if wrong is None:
            return key
        refusal = refusal or Refused(*wrong, envelope.id, op)
    return refusal or Refused("unknown_key", "signed by no key that is enrolled here", envelope.id, op)


def _wrong_with(
    key: TrustedKey, signature: Signature, envelope: Envelope, op: str, payload_type: str, situation: Situation
) -> tuple[str, str] | None:
    if key.ended(situation.dated_ms / 1000):
        return "key_expired", f"key {key.kid} is past its end date"
    if not key.allows(op, situation.box):
        return "forbidden", f"key {key.kid} may not do {op} here"
    if signature.alg != "ed25519" or not key.verify(payload_type, envelope.payload, signature.value):
        return "bad_signature", f"not signed by key {key.kid}"
    return None
