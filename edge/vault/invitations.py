"""Viewers' tokens: an invitation as JSON and the box's signature over it, both in base64url, joined by a dot."""

from __future__ import annotations

import base64
import binascii
import json
import secrets
from typing import Any

from edge.model.errors import Forbidden
from edge.model.feedback import Role
from edge.model.invitation import Invitation
from edge.ports import Clock
from edge.vault.signing import SigningKey

_TYPE = "application/vnd.scopecast.invitation+json"
_VERSION = 1
_MAX_CHARACTERS = 1024


class Invitations:
    """Makes and reads tokens of this box; `key` signs nothing else."""

    def __init__(self, *, key: SigningKey, clock: Clock) -> None:
        self._key = key
        self._clock = clock

    def make(self, *, rung: str, role: Role, name: str, holds_s: int) -> tuple[Invitation, str]:
        """A fresh invitation and its token, which is not kept here."""
        invitation = Invitation(secrets.token_hex(8), rung, role, name, self._now_s() + holds_s)
        body = {
            "v": _VERSION,
            "id": invitation.id,
            "rung": rung,
            "role": role,
            "name": name,
            "until": invitation.until_s,
        }
        payload = json.dumps(body, separators=(",", ":")).encode()
        return invitation, f"{_text(payload)}.{_text(self._key.sign(_TYPE, payload))}"

    def read(self, token: str) -> Invitation:
        """Raises Forbidden `token_invalid` or `token_expired`; neither repeats the token."""
        payload, signature = _parts(token)
        if not self._key.public.verify(_TYPE, payload, signature):
            raise _invalid("it is not signed by this box")
        try:
            invitation = _invitation(json.loads(payload))
        except (ValueError, KeyError, TypeError):
            raise _invalid("it is of another version") from None
        if self._now_s() >= invitation.until_s:
            raise Forbidden(f"the token of {invitation.title} is over; ask for a new one", code="token_expired")
        return invitation

    def _now_s(self) -> int:
        return self._clock.utc_ns() // 1_000_000_000


def _parts(token: str) -> tuple[bytes, bytes]:
    payload, dot, signature = token.partition(".")
    if not dot or len(token) > _MAX_CHARACTERS:
        raise _invalid("it is not one of a box")
    try:
        return _bytes(payload), _bytes(signature)
    except (binascii.Error, ValueError):
        raise _invalid("it is damaged") from None


def _invitation(body: Any) -> Invitation:
    if body["v"] != _VERSION:
        raise ValueError
    return Invitation(body["id"], body["rung"], Role(body["role"]), body["name"], int(body["until"]))


def _invalid(why: str) -> Forbidden:
    return Forbidden(f"the token is not good: {why}", code="token_invalid")


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
