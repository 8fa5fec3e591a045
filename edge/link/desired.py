"""Desired documents: may this one hold? Its checks, and what the link needs of whoever applies it. Pure.

A retained document has no end date, and the broker gives it out again at every connection. Instead of
time, `rev` says whether it is news: an older one is never applied again, whoever plays it back.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from edge.link.envelope import parse_envelope
from edge.link.signatures import Keyring, Refused, Situation, signer
from edge.link.topics import DESIRED_TYPE, MAX_INT
from edge.model.errors import Invalid

MAX_DESIRED_BYTES = 64 << 10
DESIRED_OP = "desired.set"
MAX_FLAWS = 16
HEAD = frozenset(("v", "box", "rev", "chal", "by", "iat"))


class DesiredStatus(StrEnum):
    APPLIED = "applied"
    PENDING = "pending"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Document:
    """Signed by `kid`, for this box. `digest` tells two payloads apart; `present`: it carries the current challenge."""

    rev: int
    digest: str
    kid: str
    present: bool
    body: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Flaw:
    """Where (a JSON pointer into the payload) and what (a stable code); the sentence is for people."""

    path: str
    code: str
    detail: str = ""

    def wire(self) -> Mapping[str, str]:
        return {"path": self.path[:128], "code": self.code, "detail": self.detail[:200]}


@dataclass(frozen=True, slots=True)
class LinkWish:
    """`broker` is (host, port); what is None is as configured."""

    broker: tuple[str, int] | None = None
    reconnect_spread_s: float | None = None


@dataclass(frozen=True, slots=True)
class Checked:
    """What came of a document: flaws, or a wish to apply. `ignored`: members that this box does not know.

    `grave`: what of it needs a sender who is present. `wish` is the applier's own.
    """

    flaws: tuple[Flaw, ...]
    ignored: tuple[str, ...]
    grave: tuple[Flaw, ...]
    link: LinkWish
    wish: object = field(repr=False)


@dataclass(frozen=True, slots=True)
class Mark:
    """Which document: two with one `rev` are told apart by `digest`."""

    rev: int
    digest: str


class Applier(Protocol):
    """Makes a document's wishes the box's. Event loop only; `check` raises nothing."""

    @property
    def applied(self) -> Mark | None:
        """The one that holds, also after a restart."""
        ...

    @property
    def link(self) -> LinkWish:
        """What it says of the link."""
        ...

    def check(self, body: Mapping[str, Any]) -> Checked: ...

    def apply(self, checked: Checked, mark: Mark) -> None:
        """All of it or, when this raises Unavailable or Fault, nothing."""
        ...

    def release(self) -> None:
        """No document holds any more, nor what one said of the link; the rest stays. Raises as `apply` does."""
        ...

    def drift(self) -> tuple[str, ...]:
        """JSON pointers to what is no longer as the document that holds says, since commands changed it."""
        ...


class News(StrEnum):
    """What a document is to one that was seen before."""

    NEWER = "newer"
    SAME = "same"
    OLDER = "older"
    CONFLICT = "conflict"


def examine_desired(raw: bytes, *, keyring: Keyring, situation: Situation) -> Document | Refused:
    """The checks of a command that make sense without time, in the same order. Never raises, whatever the bytes."""
    if len(raw) > MAX_DESIRED_BYTES:
        return Refused("too_large", f"{len(raw)} bytes, at most {MAX_DESIRED_BYTES}")
    try:
        envelope = parse_envelope(raw, payload_type=DESIRED_TYPE)
    except Invalid as error:
        return Refused(error.code, str(error))
    key = signer(envelope, op=DESIRED_OP, payload_type=DESIRED_TYPE, keyring=keyring, situation=situation)
    if isinstance(key, Refused):
        return key
    body = envelope.body
    if body.get("box") != situation.box:
        return Refused("wrong_box", "the document is for another box", op=DESIRED_OP)
    if body.get("v") != 1 or isinstance(body.get("v"), bool):
        return Refused("unknown_version", "v: must be 1", op=DESIRED_OP, signed=True)
    rev, chal = body.get("rev"), body.get("chal")
    if not isinstance(rev, int) or isinstance(rev, bool) or not 1 <= rev < MAX_INT:
        return Refused("malformed", "rev: must be a whole number from 1 to 2^53 - 1", op=DESIRED_OP, signed=True)
    present = isinstance(chal, str) and situation.is_present(chal)
    return Document(rev, hashlib.sha256(envelope.payload).hexdigest(), key.kid, present, body)


def compare(document: Document, seen: Mark | None) -> News:
    """`seen` is the newest that ever was accepted as signed, whether it was applied or not."""
    if seen is None or document.rev > seen.rev:
        return News.NEWER
    if document.rev < seen.rev:
        return News.OLDER
    return News.SAME if document.digest == seen.digest else News.CONFLICT
